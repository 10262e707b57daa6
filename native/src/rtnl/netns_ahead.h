#pragma once

#include <optional>
#include <string>

#include "rtnl/netns.h"

namespace rtnl {

/// Begins to make a namespace, its loopback up and `settings` in force, on another thread, for a caller that is about
/// to create one at `path`: it takes the kernel most of a millisecond, and before it is needed there is other work.
/// Nothing is at the path, and a namespace that is not taken within a second is dropped. A hint: it fails silently, and
/// does nothing where many are begun already.
void begin_netns(const std::string& path, std::vector<sys::Sysctl> settings);

/// What was begun for this path, waited for; nothing when nothing was, or it could not be made.
std::optional<LooseNetns> take_begun_netns(const std::string& path);

}  // namespace rtnl
