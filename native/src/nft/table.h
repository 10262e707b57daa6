#pragma once

#include <string>
#include <vector>

#include "netlink/socket.h"

namespace nft {

/// Equivalent to: nft list tables inet
std::vector<std::string> list_tables(nl::Socket& socket);

/// Equivalent to: nft delete table inet <table>; false when it was not there.
bool delete_table(nl::Socket& socket, const std::string& table);

}  // namespace nft
