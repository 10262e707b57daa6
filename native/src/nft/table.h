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

/// What a table is made of; its elements are not looked at.
struct TableContents {
  std::map<std::string, uint32_t> chains;  // name → number of rules
  std::vector<std::string> sets;           // maps as well
};

/// Equivalent to: nft --terse list table <family> <table>, by name and number; nothing when there is no such table.
std::optional<TableContents> inspect_table(nl::Socket& socket, const Table& table);

/// Equivalent to: nft delete table <family> <table>; false when it was not there.
bool delete_table(nl::Socket& socket, const Table& table);

}  // namespace nft
