#pragma once

#include <string>

#include "sys/netns.h"

namespace sys {

/// Throws EEXIST if a namespace is already mounted at `path`.
void require_unpinned(const std::string& path, const std::string& op);

/// Pins the namespace of the handle `netns` at `path`, in a new file or a plain file that was left behind. Equivalent
/// to: touch <path>; mount --bind /proc/self/fd/<netns> <path>
NetnsIdentity pin_netns(int netns, const std::string& path, const std::string& op);

/// Makes a directory a shared mount, unless it is one. `ip netns add` and podman first do this with /run/netns; if it
/// is done after a namespace was pinned there, that pin is hidden and cannot be removed. Equivalent to: mount
/// --make-rshared <path>, after mount --rbind <path> <path> if necessary
void share_directory(const std::string& path, const std::string& op);

/// Unmounts all mounts that are stacked there, then unlinks. Equivalent to: ip netns delete. false: nothing was there.
bool unpin_netns(const std::string& path, const std::string& op);

}  // namespace sys
