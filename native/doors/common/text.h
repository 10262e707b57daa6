#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace door {

// Without the streams of the C++ library: setting up its locales takes longer than all the work before a request.

/// Reads up to the end. Nothing, with errno, if it cannot be read; EFBIG if it does not end.
std::optional<std::string> read_all(int fd);

/// Reads a file, or a pipe that the caller named, in the same way.
std::optional<std::string> read_file(const std::string& path);

/// Reads a regular file in the same way. Never blocks: EINVAL for anything else (a FIFO, a link to a device).
std::optional<std::string> read_ordinary_file(const std::string& path);

/// Writes all of `text`. false, with errno, if that is impossible.
bool write_all(int fd, std::string_view text);

}  // namespace door
