#include "sys/netns.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cstring>

#include "sys/pidfd.h"

namespace sys {
namespace {

bool is_netns(int fd) {
  struct statfs fs {};
  // f_type is checked first, because the ioctl number has other meanings on other files.
  return fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC && ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

}  // namespace

std::optional<NetnsIdentity> netns_identity(const std::string& path) {
  // O_NONBLOCK: a FIFO at that path must not block the caller.
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!fd || !is_netns(fd.get()) || fstat(fd.get(), &status) != 0) return std::nullopt;
  return NetnsIdentity{status.st_ino, status.st_dev};
}

NetnsIdentity identify_netns(int netns, const std::string& op) {
  struct stat status {};
  if (fstat(netns, &status) != 0) throw_errno(op);
  return {status.st_ino, status.st_dev};
}

NetnsIdentity own_netns_identity() {
  const std::string op = "identify netns";
  return identify_netns(open_own_netns(op).get(), op);
}

UniqueFd open_netns(const std::string& path, const std::string& op) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw_errno(op, path);
  return fd;
}

UniqueFd open_own_netns(const std::string& op) { return open_netns("/proc/thread-self/ns/net", op); }

void enter_netns(const std::string& path, const std::string& op) {
  UniqueFd fd = open_netns(path, op);
  if (setns(fd.get(), CLONE_NEWNET) != 0) throw_errno(op, path);
}

void enter_netns_of(pid_t pid, const std::string& op) {
  UniqueFd fd = open_pidfd(pid, op);
  if (setns(fd.get(), CLONE_NEWNET) != 0) throw_errno(op, "process " + std::to_string(pid));
}

void unshare_netns(const std::string& op) {
  if (unshare(CLONE_NEWNET) != 0) throw_errno(op);
}

void bring_loopback_up(const std::string& op) {
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  if (!fd || ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0) throw_errno(op);
}

}  // namespace sys
