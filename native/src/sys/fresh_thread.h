#pragma once

#include <future>
#include <system_error>
#include <thread>
#include <utility>

#include "sys/sys_error.h"

namespace sys {

/// Runs `work` on a throw-away thread and returns what it returns or throws what it throws. Namespaces belong to
/// threads: what the work does to its own dies with it, and no Node thread ever changes.
template <class Work>
auto on_fresh_thread(Work&& work) {
  using Result = std::invoke_result_t<Work>;
  std::packaged_task<Result()> task(std::forward<Work>(work));
  auto result = task.get_future();
  try {
    std::thread(std::ref(task)).join();
  } catch (const std::system_error& error) {
    throw SysError("start thread", error.code().value());
  }
  return result.get();
}

}  // namespace sys
