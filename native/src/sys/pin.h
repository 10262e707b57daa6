#pragma once

#include <string>

#include "sys/netns.h"

namespace sys {

/// Throws EEXIST when a namespace is mounted at `path` already.
void require_unpinned(const std::string& path, const std::string& op);

/// Keeps the namespace of the handle `netns` alive at `path`, which is made unless it is a plain file left over from
/// earlier. Equivalent to: touch <path>; mount --bind /proc/self/fd/<netns> <path>
NetnsIdentity pin_netns(int netns, const std::string& path, const std::string& op);

/// Makes a directory a shared mount, unless it is one, as `ip netns add` and podman do first with /run/netns: doing it
/// after a namespace was pinned there hides that pin, and it cannot be
/// taken away. Equivalent to: mount --make-rshared <path>, or else mount --rbind <path> <path> before
void share_directory(const std::string& path, const std::string& op);

/// Equivalent to: ip netns delete. Unmounts all that is stacked there, then unlinks. false: nothing was there.
bool unpin_netns(const std::string& path, const std::string& op);

}  // namespace sys
