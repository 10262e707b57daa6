#pragma once

#include <cstddef>
#include <functional>
#include <vector>

struct uv_loop_s;

/// Calls back when a file descriptor is readable, on a Node thread's event loop, without another thread.
///
/// libuv's header is missing on some hosts (node-api-headers does not contain it), so uv_poll.cc declares the few
/// functions that it needs. Their ABI is stable in libuv 1, which Node 20, 22 and 24 contain.
class UvPoll {
 public:
  /// Watches `fd`, which must stay open until `closed`. Throws SysError.
  UvPoll(uv_loop_s* loop, int fd, std::function<void()> readable);
  UvPoll(const UvPoll&) = delete;
  UvPoll& operator=(const UvPoll&) = delete;

  /// Lets the loop end while this watches.
  void unref();
  /// Pauses; data that arrives meanwhile is reported after resume().
  void pause();
  void resume();
  /// Must be called once. The object may be destroyed only after the loop has called `closed`.
  void close(std::function<void()> closed);

 private:
  void start();
  static void on_event(void* handle, int status, int events);
  static void on_closed(void* handle);

  std::vector<std::max_align_t> storage_;  // a uv_poll_t, whose size libuv gives at run time
  std::function<void()> readable_;
  std::function<void()> closed_;
  bool paused_ = false;
};
