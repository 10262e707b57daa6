#pragma once

#include <optional>
#include <string>

namespace sys {

/// Equivalent to: sysctl -n <key>, in the calling thread's namespace. Nothing when the kernel has no such key.
/// In "net.ipv4.conf.eth0.forwarding" dots separate; in "net/ipv4/conf/eth0.5/forwarding" only slashes do.
std::optional<std::string> get_sysctl(const std::string& key);

/// Equivalent to: sysctl -w <key>=<value>; writes only what differs. true: it was written. Throws ENOENT, EINVAL.
bool set_sysctl(const std::string& key, const std::string& value);

}  // namespace sys
