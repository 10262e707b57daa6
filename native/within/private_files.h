#pragma once

#include <string>

namespace within {

/// Gives this process a new mount namespace, in which /etc/resolv.conf and /etc/hosts have these contents.
/// Mounts of the host still arrive there; nothing of it is seen outside, and the kernel drops all of it with the last
/// process. Where the host has no such file, or a dangling link, /etc is covered by an overlay that has it.
/// What would answer for names instead of resolv.conf (systemd-resolved, nscd) is out of reach there.
/// Throws SysError{EPERM} without CAP_SYS_ADMIN, {EINVAL} where / is no mount (a chroot).
void become_private(const std::string& resolv_conf, const std::string& hosts);

}  // namespace within
