#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netlink/socket.h"
#include "nft/message.h"

namespace nft {

using Bytes = std::vector<uint8_t>;

/// Traffic that has matched an element since it was made.
struct Counter {
  uint64_t packets, bytes;
};

/// An element of a set or map, with bytes in the kernel's form.
struct Element {
  std::string set;
  Bytes key;
  std::optional<Bytes> key_end;  // inclusive end of a range, in concatenations
  bool interval_end;             // closes the interval before it, in plain interval sets
  std::optional<Bytes> data;
  std::optional<std::string> comment;
  std::optional<Counter> counter = {};  // read only
  Family family = Family::inet;         // of the table
};

enum class Verb { add, create, remove };

struct Change {
  Verb verb;
  Element element;
};

/// Equivalent to: nft add|create|delete element <family> <table> <set> { … }, all in one transaction, also for tables
/// of that name in several families. An existing element can be added again with the same data (EEXIST with other
/// data), but not created (EEXIST). Deleting a missing element fails with ENOENT.
std::vector<nl::Fault> change_elements(nl::Socket& socket, const std::string& table,
                                       const std::vector<Change>& changes);

/// Parses the elements that a message of the kernel lists, in an answer or a notice.
std::vector<Element> parse_elements(const nlmsghdr& message);

/// Equivalent to: nft list set|map <family> <table> <set>. Throws ENOENT if the table or the set does not exist.
std::vector<Element> list_elements(nl::Socket& socket, const Table& table, const std::string& set);

/// Checks whether an element exists, with the same data, by one look-up. Equivalent to: nft get element <family>
/// <table> <set> { … }. The kernel does not find the end of a plain interval where another one begins. false also if
/// the table or the set does not exist.
bool has_element(nl::Socket& socket, const std::string& table, const Element& element);

}  // namespace nft
