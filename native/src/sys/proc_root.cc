#include "sys/proc_root.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include "sys/sys_error.h"

namespace sys {
namespace {

// From <linux/mount.h>, which clashes with the C library's <sys/mount.h> on Debian 12.
constexpr unsigned kFsopenCloexec = 1, kFsconfigCmdCreate = 6, kFsmountCloexec = 1;

UniqueFd mount_detached_proc() {
  UniqueFd context(static_cast<int>(syscall(SYS_fsopen, "proc", kFsopenCloexec)));
  if (!context || syscall(SYS_fsconfig, context.get(), kFsconfigCmdCreate, nullptr, nullptr, 0) != 0) return {};
  return UniqueFd(static_cast<int>(syscall(SYS_fsmount, context.get(), kFsmountCloexec, 0)));
}

}  // namespace

ProcRoot ProcRoot::common() {
  UniqueFd fd(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw_errno("open /proc");
  return ProcRoot(std::move(fd));
}

ProcRoot ProcRoot::fresh() {
  UniqueFd fd = mount_detached_proc();
  return fd ? ProcRoot(std::move(fd)) : common();
}

}  // namespace sys
