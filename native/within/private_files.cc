#include "within/private_files.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "sys/sys_error.h"
#include "sys/unique_fd.h"

namespace within {
namespace {

const std::string kOp = "provide names";
const std::string kEtc = "/etc";
/// Services that resolve the host's names, each at its socket.
const std::string kResolved = "/run/systemd/resolve";
const std::string kNscd = "/var/run/nscd";

std::string path_of(const sys::UniqueFd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

bool is_directory(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

sys::UniqueFd open_place(const std::string& path) {
  sys::UniqueFd place(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!place && errno != ENOENT && errno != ENOTDIR && errno != ELOOP) sys::throw_errno(kOp, "open " + path);
  return place;
}

void write_file(const std::string& path, const std::string& text) {
  const sys::UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file) sys::throw_errno(kOp, "make " + path);
  for (size_t written = 0; written < text.size();) {
    const ssize_t count = write(file.get(), text.data() + written, text.size() - written);
    if (count < 0) sys::throw_errno(kOp, "write " + path);
    written += static_cast<size_t>(count);
  }
  if (fchmod(file.get(), 0644) != 0) sys::throw_errno(kOp, "make " + path);
}

void mount_tmpfs(const std::string& path) {
  if (mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755") != 0)
    sys::throw_errno(kOp, "mount on " + path);
}

/// Hides resolved's socket, so that it does not answer; links of /etc into this directory lead to our files.
void cover_services(const std::string& resolv_conf) {
  if (is_directory(kResolved)) {
    mount_tmpfs(kResolved);
    for (const char* name : {"/resolv.conf", "/stub-resolv.conf"}) write_file(kResolved + name, resolv_conf);
  }
  if (is_directory(kNscd)) mount_tmpfs(kNscd);
}

/// Equivalent to: mount --bind <file> <place>, even if another mount covers the path of the place meanwhile.
void bind_over(const sys::UniqueFd& place, const std::string& file) {
  if (mount(file.c_str(), path_of(place).c_str(), nullptr, MS_BIND, nullptr) != 0)
    sys::throw_errno(kOp, "mount " + file);
}

void replace_file(const std::string& path, const std::string& text) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT) sys::throw_errno(kOp, "unlink " + path);
  write_file(path, text);
}

/// `etc`: /etc below the tmpfs that covers it. Files are written to that tmpfs.
void overlay_etc(const sys::UniqueFd& etc, const std::string& resolv_conf, const std::string& hosts) {
  const sys::UniqueFd scratch = open_place(kEtc);
  const std::string upper = path_of(scratch) + "/upper", work = path_of(scratch) + "/work";
  if (mkdir(upper.c_str(), 0755) != 0 || mkdir(work.c_str(), 0755) != 0) sys::throw_errno(kOp, "mkdir");
  // whatever the umask is, because /etc gets the mode of this directory
  if (chmod(upper.c_str(), 0755) != 0) sys::throw_errno(kOp, "chmod");
  const std::string options = "lowerdir=" + path_of(etc) + ",upperdir=" + upper + ",workdir=" + work;
  if (mount("overlay", kEtc.c_str(), "overlay", 0, options.c_str()) != 0)
    sys::throw_errno(kOp, "this host lacks /etc/resolv.conf or /etc/hosts, and /etc cannot be covered by an overlay");
  replace_file(kEtc + "/resolv.conf", resolv_conf);
  replace_file(kEtc + "/hosts", hosts);
}

}  // namespace

void become_private(const std::string& resolv_conf, const std::string& hosts) {
  if (unshare(CLONE_NEWNS) != 0) sys::throw_errno(kOp, "unshare mounts");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) sys::throw_errno(kOp, "keep mounts private");
  cover_services(resolv_conf);
  const sys::UniqueFd etc = open_place(kEtc);
  const sys::UniqueFd resolv_conf_place = open_place(kEtc + "/resolv.conf"), hosts_place = open_place(kEtc + "/hosts");
  // the files are made in memory; /etc is hidden only while that happens
  mount_tmpfs(kEtc);
  if (!resolv_conf_place || !hosts_place) return overlay_etc(etc, resolv_conf, hosts);
  write_file(kEtc + "/resolv.conf", resolv_conf);
  write_file(kEtc + "/hosts", hosts);
  bind_over(resolv_conf_place, kEtc + "/resolv.conf");
  bind_over(hosts_place, kEtc + "/hosts");
  if (umount2(kEtc.c_str(), MNT_DETACH) != 0) sys::throw_errno(kOp, "uncover /etc");
}

}  // namespace within
