// the replaceable generator is deprecated, and has no successor that starts faster
#define OPENSSL_SUPPRESS_DEPRECATED
#include "randomness.h"

#include <openssl/rand.h>
#include <sys/random.h>

namespace door {

namespace {

int fill(unsigned char* bytes, int count) {
  for (int done = 0; done < count;) {
    const ssize_t got = getrandom(bytes + done, static_cast<size_t>(count - done), 0);
    if (got < 0) return 0;
    done += static_cast<int>(got);
  }
  return 1;
}

int status() { return 1; }

constexpr RAND_METHOD from_kernel = {nullptr, fill, nullptr, nullptr, fill, status};

}  // namespace

void draw_from_kernel() { RAND_set_rand_method(&from_kernel); }

}  // namespace door
