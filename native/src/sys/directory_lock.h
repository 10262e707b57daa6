#pragma once

#include <string>

#include "sys/unique_fd.h"

namespace sys {

/// Opens a directory and locks it for this open file alone; empty: another open file has the lock. Writes nothing.
/// Throws ENOENT, ENOTDIR, and what flock(2) does where the file system cannot lock a directory.
UniqueFd lock_directory(const std::string& path);

}  // namespace sys
