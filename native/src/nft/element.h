#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netlink/socket.h"
#include "nft/message.h"

namespace nft {

using Bytes = std::vector<uint8_t>;

/// What has matched an element since it was made.
struct Counter {
  uint64_t packets, bytes;
};

/// One element of a set or map, bytes as the kernel keeps them.
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

/// Equivalent to: nft add|create|delete element <family> <table> <set> { … }, all in one transaction, whatever families
/// the tables of that name are of. Adding what is there
/// with the same data is no failure (EEXIST with other data), creating it is EEXIST; deleting what is not there is
/// ENOENT.
std::vector<nl::Fault> change_elements(nl::Socket& socket, const std::string& table,
                                       const std::vector<Change>& changes);

/// The elements that a message of the kernel's lists, be it an answer or a notice.
std::vector<Element> parse_elements(const nlmsghdr& message);

/// Equivalent to: nft list set|map <family> <table> <set>. Throws ENOENT when there is no such table or set.
std::vector<Element> list_elements(nl::Socket& socket, const Table& table, const std::string& set);

/// Equivalent to: nft get element <family> <table> <set> { … }: whether it is there, with the same data. One look into
/// the set, whatever its size. The kernel does not find the end of a plain interval where another begins. Not there
/// either where there is no such table or set.
bool has_element(nl::Socket& socket, const std::string& table, const Element& element);

}  // namespace nft
