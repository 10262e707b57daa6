#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/unique_fd.h"

namespace door {

namespace {

/// Far more than a NATS server accepts.
constexpr size_t most_bytes = 64 * 1024 * 1024;

/// Leaves the errno of opening or reading, not of closing.
std::optional<std::string> read_opened(const std::string& path, int flags) {
  sys::UniqueFd fd(open(path.c_str(), flags | O_RDONLY | O_CLOEXEC));
  std::optional<std::string> text = fd ? read_all(fd.get()) : std::nullopt;
  const int error = errno;
  fd.reset();
  errno = error;
  return text;
}

}  // namespace

std::optional<std::string> read_all(int fd) {
  constexpr size_t step = 16 * 1024;
  std::string text;
  for (;;) {
    const size_t before = text.size();
    if (before > most_bytes) {
      errno = EFBIG;
      return std::nullopt;
    }
    text.resize(before + step);
    const ssize_t got = read(fd, text.data() + before, step);
    text.resize(before + static_cast<size_t>(got > 0 ? got : 0));
    if (got == 0) return text;
    if (got < 0 && errno != EINTR) return std::nullopt;
  }
}

std::optional<std::string> read_file(const std::string& path) { return read_opened(path, 0); }

std::optional<std::string> read_ordinary_file(const std::string& path) {
  struct stat there {};
  // before opening, which may have an effect on a device
  if (stat(path.c_str(), &there) != 0) return std::nullopt;
  if (!S_ISREG(there.st_mode)) {
    errno = EINVAL;
    return std::nullopt;
  }
  return read_opened(path, O_NONBLOCK);
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
