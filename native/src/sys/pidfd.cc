#include "sys/pidfd.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "sys/sys_error.h"

namespace sys {

UniqueFd open_pidfd(pid_t pid, const std::string& op) {
  UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));  // always close-on-exec
  if (!fd) throw_errno(op, "process " + std::to_string(pid));
  return fd;
}

}  // namespace sys
