// netloom-within <network namespace> names|no-names <command> [argument...]
//
// Becomes a command inside a container's network. `netloom run` starts it, and speaks with it over descriptor 3:
//
//   in   names <bytes> <bytes>\n, then the contents of resolv.conf and of hosts   (only with `names`)
//   out  ready\n                                        everything that can fail before the command is done
//   in   go\n                                           the command may begin: the caller is ready for it
//   out  nothing: the command has begun, and the descriptor is closed;
//        or failed <errno> <what>\n
//
// If the other side closes the descriptor first, the command does not begin.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "sys/netns.h"
#include "within/private_files.h"

namespace {

constexpr int kChannel = 3;
constexpr int kFailed = 125, kCannotExecute = 126, kNoCommand = 127;

/// false: the other side has closed the descriptor
bool read_exactly(char* buffer, size_t count) {
  while (count > 0) {
    const ssize_t got = read(kChannel, buffer, count);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    buffer += got;
    count -= static_cast<size_t>(got);
  }
  return true;
}

bool read_line(std::string& line) {
  for (char next = 0; read_exactly(&next, 1);) {
    if (next == '\n') return true;
    line += next;
  }
  return false;
}

void say(const std::string& line) {
  const std::string text = line + "\n";
  // the caller may have ended; the command continues without it
  if (write(kChannel, text.data(), text.size()) < 0) return;
}

bool read_names(std::string& resolv_conf, std::string& hosts) {
  std::string line;
  size_t sizes[2] = {};
  if (!read_line(line) || std::sscanf(line.c_str(), "names %zu %zu", &sizes[0], &sizes[1]) != 2) return false;
  resolv_conf.resize(sizes[0]);
  hosts.resize(sizes[1]);
  return read_exactly(resolv_conf.data(), sizes[0]) && read_exactly(hosts.data(), sizes[1]);
}

int fail(int exit_code, int error, const std::string& what) {
  say("failed " + std::to_string(error) + " " + what);
  return exit_code;
}

int become(const std::string& netns, bool has_names, char** command) {
  std::string resolv_conf, hosts, go;
  if (has_names && !read_names(resolv_conf, hosts)) return kFailed;
  try {
    sys::enter_netns(netns, "enter the network namespace");
    if (has_names) within::become_private(resolv_conf, hosts);
  } catch (const sys::SysError& error) {
    return fail(kFailed, error.error(), error.op() + (error.detail().empty() ? "" : ": " + error.detail()));
  }
  say("ready");
  if (!read_line(go)) return kFailed;
  execvp(command[0], command);
  return fail(errno == ENOENT ? kNoCommand : kCannotExecute, errno, "execute");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || fcntl(kChannel, F_SETFD, FD_CLOEXEC) != 0) {
    std::fputs("netloom-within is started by netloom run\n", stderr);
    return kFailed;
  }
  return become(argv[1], std::strcmp(argv[2], "names") == 0, argv + 3);
}
