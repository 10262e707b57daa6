#include "sys/pin.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

namespace sys {
namespace {

constexpr int kUnlinkAttempts = 10;
constexpr int kStackedMounts = 64;

/// Creates the file. true: created; false: the file existed.
bool make_pin_file(const std::string& path, const std::string& op) {
  UniqueFd made(open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  if (made) return true;
  if (errno != EEXIST) throw_errno(op, path);
  return false;
}

/// Unmounts everything stacked there: each `mount --bind /run/netns` with shared propagation adds a mount.
void unmount_all(const std::string& path, const std::string& op) {
  for (int i = 0; i < kStackedMounts; ++i) {
    if (umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
    if (errno == EINVAL || errno == ENOENT) return;  // nothing is mounted
    throw_errno(op, path);
  }
}

}  // namespace

void require_unpinned(const std::string& path, const std::string& op) {
  if (netns_identity(path)) throw SysError(op, EEXIST, "a namespace is mounted at " + path);
}

NetnsIdentity pin_netns(int netns, const std::string& path, const std::string& op) {
  require_unpinned(path, op);
  const NetnsIdentity identity = identify_netns(netns, op);
  const bool made = make_pin_file(path, op);
  const std::string source = "/proc/self/fd/" + std::to_string(netns);
  if (mount(source.c_str(), path.c_str(), "none", MS_BIND, nullptr) != 0) {
    const int error = errno;
    if (made) unlink(path.c_str());
    throw SysError(op, error, "mount on " + path);
  }
  return identity;
}

void share_directory(const std::string& path, const std::string& op) {
  const auto share = [&] { return mount("", path.c_str(), "none", MS_SHARED | MS_REC, nullptr) == 0; };
  if (share()) return;
  // EINVAL: nothing is mounted there
  if (errno != EINVAL || mount(path.c_str(), path.c_str(), "none", MS_BIND | MS_REC, nullptr) != 0 || !share())
    throw_errno(op, path);
}

bool unpin_netns(const std::string& path, const std::string& op) {
  for (int attempt = 1;; ++attempt) {
    unmount_all(path, op);
    if (unlink(path.c_str()) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    // EBUSY: mounted again between the two calls.
    if (errno != EBUSY || attempt == kUnlinkAttempts) throw_errno(op, path);
  }
}

}  // namespace sys
