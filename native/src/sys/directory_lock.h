#pragma once

#include <string>

#include "sys/unique_fd.h"

namespace sys {

/// Opens a directory and locks it for this open file; empty: another open file has the lock. Writes nothing. Throws
/// ENOENT, ENOTDIR, and flock(2)'s error if the file system cannot lock directories.
UniqueFd lock_directory(const std::string& path);

}  // namespace sys
