#pragma once

#include <linux/netlink.h>

#include <optional>
#include <variant>
#include <vector>

#include "rtnl/addresses.h"
#include "rtnl/links.h"
#include "rtnl/netconf.h"
#include "rtnl/routes.h"

namespace rtnl {

struct Groups {
  bool links, addresses, routes, settings, namespaces;
};

/// Multicast group numbers (RTNLGRP_…) that a socket must join for these notices.
std::vector<int> group_numbers(const Groups& groups);

/// A namespace that had a number has ended.
struct EndedNetns {
  uint32_t number;
};

struct Notice {
  bool gone;                         // deleted, rather than added or changed
  std::optional<uint32_t> netns_id;  // number of the namespace it is about; nothing: the watcher's own
  std::variant<LinkInfo, AddressInfo, RouteInfo, NetconfInfo, EndedNetns> what;
};

/// Parses a multicast message of that namespace; nothing for messages about anything but links, addresses, configured
/// routes and settings of links.
std::optional<Notice> parse_notice(const nlmsghdr& message, std::optional<uint32_t> netns_id);

}  // namespace rtnl
