#pragma once

#include <sys/socket.h>

#include <chrono>
#include <string>
#include <string_view>

#include "sys/unique_fd.h"

namespace door {

/// A TCP connection that is read by lines and blocks, up to a deadline.
class Wire {
 public:
  /// `name`: name of the other end in errors. Throws NotServed, like all methods.
  Wire(const sockaddr* address, socklen_t length, std::string name, int within_ms);

  /// Sets a new deadline, from now.
  void set_deadline(int within_ms);

  /// Sends a text. Does not fail if the other end has closed the connection: its last data can still be read.
  void send(std::string_view text);

  /// Reads the next line, without its CR LF. Valid until the next call.
  std::string_view line();

  /// Reads the next `length` bytes, and the CR LF after them. Valid until the next call.
  std::string_view block(size_t length);

  /// Returns the message of an error.
  std::string failure(const std::string& what) const;

  /// Throws NotServed with that message, also for a violation of the protocol.
  [[noreturn]] void fail(const std::string& what) const;

 private:
  void connect(const sockaddr* address, socklen_t length);
  void wait_for(short events) const;
  void read_more();
  std::string_view taken(size_t length);

  const std::string name_;
  std::chrono::steady_clock::time_point deadline_;
  sys::UniqueFd fd_;
  /// received data, and how much of it was returned
  std::string read_;
  size_t used_ = 0;
};

}  // namespace door
