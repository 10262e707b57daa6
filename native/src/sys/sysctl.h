#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sys/proc_root.h"

namespace sys {

/// In "net.ipv4.conf.eth0.forwarding" dots separate; in "net/ipv4/conf/eth0.5/forwarding" only slashes do.
struct Sysctl {
  std::string key;
  std::string value;
};

/// Equivalent to: sysctl -n <key>, in the calling thread's namespace. Nothing when the kernel has no such key.
std::optional<std::string> get_sysctl(const ProcRoot& proc, const std::string& key);

/// Equivalent to: sysctl -w <key>=<value>; writes only what differs. What the value was until then, or nothing when it
/// was the same. Throws ENOENT, EINVAL, EROFS.
std::optional<std::string> set_sysctl(const ProcRoot& proc, const Sysctl& wanted);

/// Sets those that the kernel has: without IPv6 its keys do not exist.
void set_known_sysctls(const ProcRoot& proc, const std::vector<Sysctl>& wanted);

}  // namespace sys
