#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "netlink/socket.h"
#include "nft/message.h"

namespace nft {

/// Equivalent to: nft list tables <family>
std::vector<std::string> list_tables(nl::Socket& socket, Family family);

/// Contents of a table, without its elements.
struct TableContents {
  std::map<std::string, uint32_t> chains;  // name → number of rules
  std::vector<std::string> sets;           // maps as well
};

/// Equivalent to: nft --terse list table <family> <table>, by name and number; nothing if it does not exist.
std::optional<TableContents> inspect_table(nl::Socket& socket, const Table& table);

/// Equivalent to: nft delete table <family> <table>; false: it did not exist.
bool delete_table(nl::Socket& socket, const Table& table);

}  // namespace nft
