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

/// Multicast group numbers (RTNLGRP_…) for a socket that is to hear of these.
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

/// What a multicast message of that namespace tells; nothing for those that concern neither links, addresses,
/// configured routes nor settings of links.
std::optional<Notice> parse_notice(const nlmsghdr& message, std::optional<uint32_t> netns_id);

}  // namespace rtnl
