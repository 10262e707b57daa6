#include "common/bus_other.h"

#include <dlfcn.h>
#include <limits.h>
#include <unistd.h>

#include "common/bus_libnats.h"

namespace door {

namespace {

/// Path of the library, which is beside this executable.
std::string library_path() {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  const std::string self(path, static_cast<size_t>(std::max<ssize_t>(length, 0)));
  return self.substr(0, self.rfind('/') + 1) + "bus_libnats.so";
}

decltype(&netloom_libnats_request) load() {
  void* library = dlopen(library_path().c_str(), RTLD_NOW | RTLD_LOCAL);
  void* found = library ? dlsym(library, "netloom_libnats_request") : nullptr;
  if (!found)
    throw NotServed(
        "netloom's daemon cannot be asked there: only its own server on this host is spoken to without the NATS client "
        "library (build netloom with libnats-dev): " +
        std::string(dlerror()));
  return reinterpret_cast<decltype(&netloom_libnats_request)>(found);
}

}  // namespace

Reply request_other(const Address& address, const std::string& subject, const std::string& payload) {
  static const auto request_by_libnats = load();
  const LibnatsRequest request = {
      address.url.c_str(),
      address.user.c_str(),
      address.password.c_str(),
      address.inbox_prefix.c_str(),
      address.creds.c_str(),
      client_name,
      connect_ms,
      answer_ms,
      subject.c_str(),
      payload.data(),
      static_cast<int>(payload.size()),
  };
  LibnatsReply reply = {};
  const char* problem = request_by_libnats(&request, &reply);
  if (problem) {
    const std::string failure =
        "netloom's daemon does not answer: " + std::string(problem) + " at " + shown_url(address.url);
    if (reply.may_be_done) throw Unanswered(failure);
    throw NotServed(failure);
  }
  return {std::string(reply.text, static_cast<size_t>(reply.length)), reply.is_fault};
}

}  // namespace door
