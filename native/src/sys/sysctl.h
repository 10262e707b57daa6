#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sys/proc_root.h"

namespace sys {

/// A setting; dots separate its key ("net.ipv4.conf.eth0.forwarding"), or slashes ("net/ipv4/conf/eth0.5/forwarding").
struct Sysctl {
  std::string key;
  std::string value;
};

/// Equivalent to: sysctl -n <key>, in the calling thread's namespace. Nothing if the kernel does not have the key.
std::optional<std::string> get_sysctl(const ProcRoot& proc, const std::string& key);

/// Equivalent to: sysctl -w <key>=<value>, if the value differs. Returns the previous value, or nothing if it was
/// equal. Throws ENOENT, EINVAL, EROFS.
std::optional<std::string> set_sysctl(const ProcRoot& proc, const Sysctl& wanted);

/// Sets the keys that the kernel has: without IPv6, its keys do not exist.
void set_known_sysctls(const ProcRoot& proc, const std::vector<Sysctl>& wanted);

}  // namespace sys
