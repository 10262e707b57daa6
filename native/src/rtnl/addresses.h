#pragma once

#include <optional>
#include <vector>

#include "netlink/socket.h"
#include "sys/ip.h"

namespace rtnl {

struct AddressInfo {
  uint32_t link_index;
  sys::IpPrefix address;
  uint8_t scope;  // RT_SCOPE_…
};

/// Parses an RTM_NEWADDR or RTM_DELADDR.
std::optional<AddressInfo> parse_address(const nlmsghdr& message);

/// Equivalent to: ip address show
std::vector<AddressInfo> list_addresses(nl::Socket& socket);

}  // namespace rtnl
