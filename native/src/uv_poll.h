#pragma once

#include <cstddef>
#include <functional>
#include <vector>

struct uv_loop_s;

/// Calls back when a file descriptor is readable, on a Node thread's event loop: no polling and no other thread.
///
/// libuv's header is not everywhere Node is (node-api-headers leaves it out), so uv_poll.cc declares the few functions
/// it needs; their ABI is fixed throughout libuv 1, which all of Node 20, 22 and 24 contain.
class UvPoll {
 public:
  /// Watches `fd`, which must stay open until `closed`. Throws SysError.
  UvPoll(uv_loop_s* loop, int fd, std::function<void()> readable);
  UvPoll(const UvPoll&) = delete;
  UvPoll& operator=(const UvPoll&) = delete;

  /// The loop may end although this watches.
  void unref();
  /// What becomes readable meanwhile is reported after the resumption.
  void pause();
  void resume();
  /// Must be called once; only after `closed`, from the loop, may this object go.
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
