#pragma once

#include <sys/types.h>

#include <string>

#include "netlink/socket.h"
#include "sys/netns.h"

namespace rtnl {

/// A pinned namespace and a route socket inside it, both from the same throw-away thread.
struct PinnedNetns {
  sys::NetnsIdentity identity;
  nl::Socket socket;
};

/// Equivalent to: ip netns add. EEXIST when a namespace is mounted at `path`.
PinnedNetns create_netns(const std::string& path);
/// Equivalent to: ip netns attach. ESRCH when the process is gone.
PinnedNetns adopt_netns(pid_t pid, const std::string& path);

/// A route socket in the namespace at `path`, or in the calling thread's when `path` is empty.
nl::Socket open_route_socket(const std::string& path);

}  // namespace rtnl
