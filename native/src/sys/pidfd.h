#pragma once

#include <sys/types.h>

#include <string>

#include "sys/unique_fd.h"

namespace sys {

/// Opens a handle on a process, which becomes readable when the process has ended (as a zombie, too). Throws ESRCH.
UniqueFd open_pidfd(pid_t pid, const std::string& op);

}  // namespace sys
