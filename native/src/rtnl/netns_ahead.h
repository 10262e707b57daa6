#pragma once

#include <optional>
#include <string>

#include "rtnl/netns.h"

namespace rtnl {

/// Begins to make a namespace on another thread, with its loopback up and with `settings`, for a caller that will soon
/// create one at `path`: the kernel takes most of a millisecond, in which the caller can do other work. Nothing appears
/// at the path, and a namespace that is not taken within a second is dropped. This is a hint: it fails silently, and
/// does nothing if many are begun already.
void begin_netns(const std::string& path, std::vector<sys::Sysctl> settings);

/// Waits for the namespace that was begun for this path and returns it; returns nothing if none was begun or it failed.
std::optional<LooseNetns> take_begun_netns(const std::string& path);

}  // namespace rtnl
