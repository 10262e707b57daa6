#pragma once

#include <sys/types.h>

#include <string>

#include "sys/unique_fd.h"

namespace sys {

/// A handle on a process that becomes readable when it has ended (a zombie has ended). Throws ESRCH.
UniqueFd open_pidfd(pid_t pid, const std::string& op);

}  // namespace sys
