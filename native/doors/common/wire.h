#pragma once

#include <sys/socket.h>

#include <chrono>
#include <string>
#include <string_view>

#include "sys/unique_fd.h"

namespace door {

/// A TCP connection that is read line by line and block by block, never for longer than until its deadline.
class Wire {
 public:
  /// `name` is what errors call the other end. Throws NotServed, as all of these do.
  Wire(const sockaddr* address, socklen_t length, std::string name, int within_ms);

  /// Counts anew from now.
  void set_deadline(int within_ms);

  /// Does not fail when the other end has closed the connection: its last data can still be read.
  void send(std::string_view text);

  /// The next line, without its CR LF. Valid until the next call.
  std::string_view line();

  /// The next `length` bytes and the CR LF after them. Valid until the next call.
  std::string_view block(size_t length);

  /// The message for what went wrong.
  std::string failure(const std::string& what) const;

  /// Throws it: a violation of the protocol.
  [[noreturn]] void fail(const std::string& what) const;

 private:
  void connect(const sockaddr* address, socklen_t length);
  void wait_for(short events) const;
  void read_more();
  std::string_view taken(size_t length);

  const std::string name_;
  std::chrono::steady_clock::time_point deadline_;
  sys::UniqueFd fd_;
  /// what has been read, and how much of that is used up
  std::string read_;
  size_t used_ = 0;
};

}  // namespace door
