#include "teardown_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <system_error>

#include "address.h"
#include "text.h"

namespace door {

namespace {

[[noreturn]] void failed(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

/// In the order of time, and of nobody else's.
std::string fresh_name() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  char name[64];
  snprintf(name, sizeof name, "%011lld-%09ld-%d", static_cast<long long>(now.tv_sec), now.tv_nsec, getpid());
  return name;
}

/// Leaves no file when it cannot be written whole.
void write_whole(const std::string& file, const std::string& text) {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) failed(file);
  const bool written = write_all(fd, text);
  const int error = errno;
  close(fd);
  if (written) return;
  unlink(file.c_str());
  errno = error;
  failed(file);
}

}  // namespace

void queue_teardown(const nlohmann::json& request) {
  const std::string directory = run_directory() + "/teardowns";
  struct stat there {};
  if (stat(directory.c_str(), &there) != 0) return;
  const std::string name = directory + "/" + fresh_name();
  // the daemon looks at finished ones only
  write_whole(name + ".new", request.dump());
  if (rename((name + ".new").c_str(), (name + ".json").c_str()) != 0) failed(name);
}

}  // namespace door
