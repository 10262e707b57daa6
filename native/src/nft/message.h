#pragma once

#include <cstdint>

#include "netlink/message.h"

namespace nft {

/// A message of the nf_tables subsystem for family inet.
nl::Message message(uint16_t type, uint16_t flags);

/// NFT_MSG_… of a received message, or -1 when it is of another subsystem or family.
int kind_of(const nlmsghdr& message);

}  // namespace nft
