#include "netavark/rootless.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace door {

namespace {

constexpr const char* usual_directories[] = {
    "/usr/local/libexec/podman",
    "/usr/local/lib/podman",
    "/usr/libexec/podman",
    "/usr/lib/podman",
};

std::string real_path(const std::string& path) {
  char resolved[PATH_MAX];
  return realpath(path.c_str(), resolved) ? resolved : "";
}

bool runs(const std::string& path) { return access(path.c_str(), X_OK) == 0; }

const std::string aardvark_option = "--aardvark-binary=";

}  // namespace

void hand_over_to_netavark(int argc, char** argv) {
  const std::string self = real_path("/proc/self/exe");
  for (const std::string directory : usual_directories) {
    const std::string netavark = directory + "/netavark";
    if (!runs(netavark) || real_path(netavark) == self) continue;
    const std::string aardvark = directory + "/aardvark-dns";
    std::vector<std::string> words(argv, argv + argc);
    words[0] = netavark;
    for (std::string& word : words)
      if (word.compare(0, aardvark_option.size(), aardvark_option) == 0)
        word = aardvark_option + (runs(aardvark) ? aardvark : "");
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    execv(netavark.c_str(), pointers.data());
  }
}

}  // namespace door
