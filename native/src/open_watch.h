#pragma once

#include <napi.h>
#include <node_api.h>

#include <functional>
#include <memory>
#include <optional>

#include "uv_poll.h"

/// A watch that calls back into JavaScript. It lives until it is closed: by its Watch object, by itself (a process ends
/// only once), or by the end of its thread.
class OpenWatch : public std::enable_shared_from_this<OpenWatch> {
 public:
  /// Reads, and makes the callback's arguments; nothing: no call.
  using Reader = std::function<std::optional<std::vector<napi_value>>(OpenWatch&)>;

  /// `source` owns the file descriptor and lives as long as the watch.
  template <class Source>
  static std::shared_ptr<OpenWatch> open(Napi::Function callback, int fd, std::shared_ptr<Source> source, Reader read) {
    const std::shared_ptr<OpenWatch> watch(new OpenWatch(callback, std::move(source), std::move(read)));
    watch->start(fd);
    return watch;
  }

  Napi::Env env() const { return env_; }
  void unref();
  void pause();
  void resume();
  void close();

 private:
  OpenWatch(Napi::Function callback, std::shared_ptr<void> source, Reader read);
  void start(int fd);
  void on_readable();
  void deliver();
  static void on_thread_end(napi_async_cleanup_hook_handle hook, void* watch);

  Napi::Env env_;
  Napi::FunctionReference callback_;
  std::shared_ptr<void> source_;
  Reader read_;
  std::unique_ptr<UvPoll> poll_;
  std::shared_ptr<OpenWatch> self_;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  bool closing_ = false;
};
