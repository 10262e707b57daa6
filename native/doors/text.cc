#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

namespace door {

std::optional<std::string> read_all(int fd) {
  constexpr size_t step = 16 * 1024;
  std::string text;
  for (;;) {
    const size_t before = text.size();
    text.resize(before + step);
    const ssize_t got = read(fd, text.data() + before, step);
    text.resize(before + static_cast<size_t>(got > 0 ? got : 0));
    if (got == 0) return text;
    if (got < 0 && errno != EINTR) return std::nullopt;
  }
}

std::optional<std::string> read_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::optional<std::string> text = read_all(fd);
  const int error = errno;
  close(fd);
  errno = error;
  return text;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace door
