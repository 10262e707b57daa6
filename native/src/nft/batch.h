#pragma once

#include <string>
#include <vector>

#include "netlink/socket.h"

namespace nft {

/// Performs messages as one nf_tables transaction: all or none. Returns for each its error, or nothing; throws an error
/// of the batch as a whole (EPERM).
std::vector<nl::Fault> transact(nl::Socket& socket, std::vector<nl::Message> messages, const std::string& op);

}  // namespace nft
