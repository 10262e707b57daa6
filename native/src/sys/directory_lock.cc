#include "sys/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include "sys/sys_error.h"

namespace sys {
namespace {

constexpr char kOp[] = "lock directory";

}  // namespace

UniqueFd lock_directory(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw_errno(kOp, path);
  if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) throw_errno(kOp, path);
  return {};
}

}  // namespace sys
