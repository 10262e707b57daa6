#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "sys/excursion.h"
#include "sys/sys_error.h"
#include "sys/unique_fd.h"

namespace sys {

/// Identity of a namespace: equal pairs are the same one.
struct NetnsIdentity {
  ino_t inode;
  dev_t device;
};

/// Identifies the network namespace at `path`; nothing if there is no namespace.
std::optional<NetnsIdentity> netns_identity(const std::string& path);
/// Identifies the namespace of an open handle.
NetnsIdentity identify_netns(int netns, const std::string& op);
/// Identifies the calling thread's namespace.
NetnsIdentity own_netns_identity();

/// Opens a handle on the namespace at `path`, for setns and IFLA_NET_NS_FD. Throws ENOENT.
UniqueFd open_netns(const std::string& path, const std::string& op);
/// Opens a handle on the calling thread's namespace.
UniqueFd open_own_netns(const std::string& op);
/// Moves the calling thread. Equivalent to: nsenter --net=<path>. Throws ENOENT; EINVAL if it is not a namespace.
void enter_netns(const std::string& path, const std::string& op);
/// Moves the calling thread into the namespace of a living process. Throws ESRCH.
void enter_netns_of(pid_t pid, const std::string& op);
/// Moves the calling thread into a fresh namespace. Equivalent to: unshare --net
void unshare_netns(const std::string& op);
/// Equivalent to: ip link set lo up, in the calling thread's namespace (by ioctl, because sys is below netlink).
void bring_loopback_up(const std::string& op);

/// Runs `work` inside the namespace at `path`.
template <class Work>
auto in_netns(const std::string& path, const std::string& op, Work work) {
  return on_excursion(op, [&] {
    enter_netns(path, op);
    return work();
  });
}

}  // namespace sys
