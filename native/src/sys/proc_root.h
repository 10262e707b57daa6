#pragma once

#include "sys/unique_fd.h"

namespace sys {

/// An open /proc. `fresh` is a new, unmounted instance: a look-up below /proc/sys/net compares the
/// name with those of every namespace that was looked at through the same instance (0.9 ms with 1,000 of them, and each
/// look-up adds one), through a fresh one with none (0.03 ms to make it). Where the kernel refuses that, the common
/// one.
class ProcRoot {
 public:
  static ProcRoot common();
  static ProcRoot fresh();

  int fd() const { return fd_.get(); }

 private:
  explicit ProcRoot(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace sys
