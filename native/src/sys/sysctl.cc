#include "sys/sysctl.h"

#include <fcntl.h>

#include <algorithm>
#include <sstream>

#include "sys/sys_error.h"
#include "sys/unique_fd.h"

namespace sys {
namespace {

/// Path below /proc.
std::string path_of(std::string key, const std::string& op) {
  if (key.find('/') == std::string::npos) std::replace(key.begin(), key.end(), '.', '/');
  if (key.empty() || ("/" + key + "/").find("/../") != std::string::npos) throw SysError(op, EINVAL, key);
  return "sys/" + key;
}

std::string read_all(int fd, const std::string& op, const std::string& path) {
  std::string text(4096, '\0');
  const ssize_t size = read(fd, text.data(), text.size());
  if (size < 0) throw_errno(op, "/proc/" + path);
  text.resize(static_cast<size_t>(size));
  text.erase(text.find_last_not_of(" \t\n") + 1);
  return text;
}

/// Compares values: "4096\t131072" and "4096 131072" are equal.
bool same_words(const std::string& left, const std::string& right) {
  std::istringstream a(left), b(right);
  std::string word_a, word_b;
  while (true) {
    const bool more_a = static_cast<bool>(a >> word_a), more_b = static_cast<bool>(b >> word_b);
    if (!more_a || !more_b) return more_a == more_b;
    if (word_a != word_b) return false;
  }
}

}  // namespace

std::optional<std::string> get_sysctl(const ProcRoot& proc, const std::string& key) {
  const std::string op = "get sysctl", path = path_of(key, op);
  UniqueFd fd(openat(proc.fd(), path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (!fd) throw_errno(op, "/proc/" + path);
  return read_all(fd.get(), op, path);
}

std::optional<std::string> set_sysctl(const ProcRoot& proc, const Sysctl& wanted) {
  const std::string op = "set sysctl", path = path_of(wanted.key, op);
  auto current = get_sysctl(proc, wanted.key);
  if (!current) throw SysError(op, ENOENT, "/proc/" + path);
  if (same_words(*current, wanted.value)) return std::nullopt;
  UniqueFd fd(openat(proc.fd(), path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || write(fd.get(), wanted.value.data(), wanted.value.size()) < 0) throw_errno(op, "/proc/" + path);
  return current;
}

void set_known_sysctls(const ProcRoot& proc, const std::vector<Sysctl>& wanted) {
  for (const Sysctl& one : wanted) {
    try {
      set_sysctl(proc, one);
    } catch (const SysError& error) {
      if (error.error() != ENOENT) throw;
    }
  }
}

}  // namespace sys
