#pragma once

#include <cstdint>
#include <string>

#include "netlink/message.h"

namespace nft {

/// The families in which netloom has a table.
enum class Family : uint8_t { inet = 1, bridge = 7 };  // NFPROTO_INET, NFPROTO_BRIDGE

/// A table by its name within its family.
struct Table {
  Family family;
  std::string name;
};

/// A message of the nf_tables subsystem. A batch may hold messages of several families.
nl::Message message(Family family, uint16_t type, uint16_t flags);

/// NFT_MSG_… of a received message, or -1 when it is of another subsystem or of a family that is not listed above.
int kind_of(const nlmsghdr& message);

/// Returns the family of a message that kind_of knows.
Family family_of(const nlmsghdr& message);

}  // namespace nft
