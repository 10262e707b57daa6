#pragma once

#include <string>

#include "sys/unique_fd.h"

namespace sys {

/// Takes the calling thread back, when it goes out of scope, into the network namespace that it was in before.
class WayHome {
 public:
  /// Throws before anybody has gone anywhere: EMFILE.
  explicit WayHome(const std::string& op);
  WayHome(const WayHome&) = delete;
  WayHome& operator=(const WayHome&) = delete;
  /// Ends the process if the thread cannot return: its further work would affect a foreign namespace.
  ~WayHome();

 private:
  UniqueFd home_;
};

/// Runs `work`, which may move the calling thread into other network namespaces, and returns what it returns or throws
/// what it throws, back where it was. Nothing else runs on the thread meanwhile, and what other threads are in is not
/// changed. A throw-away thread would cost 0.1 ms, and more on busy processors.
template <class Work>
auto on_excursion(const std::string& op, Work&& work) {
  const WayHome home(op);
  return work();
}

}  // namespace sys
