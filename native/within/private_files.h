#pragma once

#include <string>

namespace within {

/// Gives this process a new mount namespace, in which /etc/resolv.conf and /etc/hosts have these contents.
/// Mounts of the host still appear in it. Its own mounts are not visible outside, and the kernel removes them with the
/// last process. If the host has no such file, or a dangling link, an overlay on /etc has the file. Services that would
/// resolve names without resolv.conf (systemd-resolved, nscd) cannot be reached in it.
/// Throws SysError{EPERM} without CAP_SYS_ADMIN, {EINVAL} if / is not a mount (a chroot).
void become_private(const std::string& resolv_conf, const std::string& hosts);

}  // namespace within
