#pragma once

#include <string>

#include "sys/netns.h"

namespace sys {

/// Throws EEXIST when a namespace is mounted at `path` already.
void require_unpinned(const std::string& path, const std::string& op);

/// Keeps the namespace of the handle `netns` alive at `path`, which is made unless it is a plain file left over from
/// earlier. Equivalent to: touch <path>; mount --bind /proc/self/fd/<netns> <path>
NetnsIdentity pin_netns(int netns, const std::string& path, const std::string& op);

/// Equivalent to: ip netns delete. Unmounts all that is stacked there, then unlinks. false: nothing was there.
bool unpin_netns(const std::string& path, const std::string& op);

}  // namespace sys
