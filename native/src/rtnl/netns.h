#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "netlink/socket.h"
#include "sys/netns.h"
#include "sys/sysctl.h"

namespace rtnl {

/// A namespace that only its handle keeps alive, and a route socket inside it.
struct LooseNetns {
  sys::UniqueFd handle;
  nl::Socket socket;
};
/// A pinned namespace and a route socket inside it.
struct PinnedNetns {
  sys::NetnsIdentity identity;
  nl::Socket socket;
};

/// Returns the calling thread's namespace.
LooseNetns own_netns(const std::string& op);

/// Equivalent to: ip netns add. EEXIST if a namespace is mounted at `path`. Uses the namespace that begin_netns
/// prepared for this path, with its settings.
PinnedNetns create_netns(const std::string& path, const std::vector<sys::Sysctl>& settings);
/// Equivalent to: ip netns attach. ESRCH if the process has ended.
PinnedNetns adopt_netns(pid_t pid, const std::string& path);

/// Equivalent to: ip netns list-id target-nsid …: the number of the namespace at `path` in the socket's; nothing if
/// it has none. Throws ENOENT; EINVAL if it is not a namespace.
std::optional<uint32_t> netns_id_of(nl::Socket& socket, const std::string& path);
/// Equivalent to: ip netns set <path> auto. Returns the existing number, or the one that the kernel picks.
uint32_t assign_netns_id(nl::Socket& socket, const std::string& path);

/// Opens a route socket in the namespace at `path`; empty: in the calling thread's.
nl::Socket open_route_socket(const std::string& path);

}  // namespace rtnl
