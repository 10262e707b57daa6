#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace door {

// Not by the streams of the C++ library: its locales take longer to start than all that a door does before it asks.

/// All that there is until its end. None, with errno, when it cannot be read; EFBIG when it does not end.
std::optional<std::string> read_all(int fd);

/// The same of a file, or of a pipe that the caller named.
std::optional<std::string> read_file(const std::string& path);

/// The same for a regular file only. Never blocks: EINVAL when anything else has the name (a FIFO, a link to a device).
std::optional<std::string> read_ordinary_file(const std::string& path);

/// False, with errno, when not all of it can be written.
bool write_all(int fd, std::string_view text);

}  // namespace door
