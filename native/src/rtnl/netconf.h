#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <optional>

namespace rtnl {

/// Settings of `net.ipv4.conf.<link>` or `net.ipv6.conf.<link>`. Nothing: not in the notice.
struct NetconfInfo {
  uint8_t family;      // AF_INET, AF_INET6
  int32_t link_index;  // or NETCONFA_IFINDEX_ALL, NETCONFA_IFINDEX_DEFAULT
  std::optional<int32_t> forwarding;
  std::optional<int32_t> rp_filter;
};

/// Parses an RTM_NEWNETCONF or RTM_DELNETCONF; nothing for other families.
std::optional<NetconfInfo> parse_netconf(const nlmsghdr& message);

}  // namespace rtnl
