// podman looks for aardvark-dns beside netavark, and warns if it is missing. netloom's daemon resolves names; this
// program only reports that.
#include <cstdio>
#include <cstring>

int main(int argc, char** argv) {
  if (argc == 2 && (std::strcmp(argv[1], "--version") == 0 || std::strcmp(argv[1], "-V") == 0)) {
    std::puts("aardvark-dns " NETAVARK_VERSION);
    return 0;
  }
  std::fputs("netloom's daemon answers for the names of containers; there is nothing to run here\n", stderr);
  return 1;
}
