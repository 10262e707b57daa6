#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "netlink/socket.h"
#include "sys/netns.h"
#include "sys/sysctl.h"

namespace rtnl {

/// A namespace that its handle alone keeps alive, and a route socket inside it.
struct LooseNetns {
  sys::UniqueFd handle;
  nl::Socket socket;
};
/// A pinned namespace and a route socket inside it.
struct PinnedNetns {
  sys::NetnsIdentity identity;
  nl::Socket socket;
};

/// The calling thread's own.
LooseNetns own_netns(const std::string& op);

/// Equivalent to: ip netns add. EEXIST when a namespace is mounted at `path`. Takes what was begun for it
/// (begin_netns), with the settings that it was begun with.
PinnedNetns create_netns(const std::string& path, const std::vector<sys::Sysctl>& settings);
/// Equivalent to: ip netns attach. ESRCH when the process is gone.
PinnedNetns adopt_netns(pid_t pid, const std::string& path);

/// Equivalent to: ip netns list-id target-nsid …: the number of the namespace at `path` in the socket's; nothing when
/// it has none. Throws ENOENT, EINVAL when it is no namespace.
std::optional<uint32_t> netns_id_of(nl::Socket& socket, const std::string& path);
/// Equivalent to: ip netns set <path> auto. The number that it has already, or the one that the kernel picks.
uint32_t assign_netns_id(nl::Socket& socket, const std::string& path);

/// A route socket in the namespace at `path`, or in the calling thread's when `path` is empty.
nl::Socket open_route_socket(const std::string& path);

}  // namespace rtnl
