#pragma once

#include <optional>

#include "netlink/message.h"
#include "rtnl/request.h"

namespace rtnl {

/// Equivalent to: ip route add [<type>] <destination> [via <gateway>] [dev <index>] [metric <metric>] proto static.
/// EEXIST.
nl::Message add_route(const RouteSpec& route, std::optional<uint32_t> link_index);

/// Equivalent to: ip route delete [<type>] <destination> [via <gateway>] [dev <index>] [metric <metric>]. ESRCH if it
/// does not exist.
nl::Message delete_route(const RouteSpec& route, std::optional<uint32_t> link_index);

}  // namespace rtnl
