#include "sys/excursion.h"

#include <fcntl.h>
#include <sched.h>

#include <cstdio>
#include <cstdlib>

#include "sys/sys_error.h"

namespace sys {

WayHome::WayHome(const std::string& op) : home_(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  if (!home_) throw_errno(op, "open the own network namespace");
}

WayHome::~WayHome() {
  if (setns(home_.get(), CLONE_NEWNET) == 0) return;
  std::perror("netloom: back into the own network namespace");
  std::abort();
}

}  // namespace sys
