#pragma once

#include <optional>
#include <vector>

#include "netlink/socket.h"
#include "sys/ip.h"

namespace rtnl {

struct RouteInfo {
  sys::IpPrefix destination;
  std::optional<sys::IpAddress> gateway;
  std::optional<uint32_t> link_index;
  std::optional<uint32_t> metric;
  std::optional<sys::IpAddress> source;
  uint8_t type;    // RTN_…
  bool connected;  // made by the kernel with an address of the link
};

/// Parses an RTM_NEWROUTE or RTM_DELROUTE; nothing for routes outside table main, and for the kernel's own kinds
/// (local, broadcast, multicast, cloned). Of several next hops, the first one is used.
std::optional<RouteInfo> parse_route(const nlmsghdr& message);

/// Equivalent to: ip route show table main; ip -6 route show table main
std::vector<RouteInfo> list_routes(nl::Socket& socket);

struct WayTo {
  std::optional<sys::IpAddress> source;
  std::optional<uint32_t> link_index;
  bool local;  // the address is the namespace's own, which accepts packets to it
};

/// Equivalent to: ip route get <address>: the preferred source and the link; nothing if it is unreachable.
std::optional<WayTo> way_to(nl::Socket& socket, const sys::IpAddress& address);

}  // namespace rtnl
