#include "common/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <algorithm>

#include "common/bus.h"

namespace door {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view line_end = "\r\n";
constexpr size_t longest_line = 64 * 1024;
constexpr size_t read_bytes = 64 * 1024;

}  // namespace

Wire::Wire(const sockaddr* address, socklen_t length, std::string name, int within_ms) : name_(std::move(name)) {
  set_deadline(within_ms);
  fd_.reset(socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd_) fail(strerror(errno));
  connect(address, length);
}

void Wire::connect(const sockaddr* address, socklen_t length) {
  if (::connect(fd_.get(), address, length) == 0) return;
  // after a signal, connecting continues in the background
  if (errno != EINPROGRESS && errno != EINTR) fail(strerror(errno));
  wait_for(POLLOUT);
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) fail(strerror(error));
}

void Wire::set_deadline(int within_ms) { deadline_ = steady_clock::now() + milliseconds(within_ms); }

std::string Wire::failure(const std::string& what) const {
  return "netloom's daemon does not answer: " + what + " at " + name_;
}

void Wire::fail(const std::string& what) const { throw NotServed(failure(what)); }

void Wire::wait_for(short events) const {
  pollfd waiting = {fd_.get(), events, 0};
  for (;;) {
    // rounded up, so that the last wait is not zero milliseconds
    const auto left = std::chrono::ceil<milliseconds>(deadline_ - steady_clock::now());
    if (left.count() <= 0) fail("timed out");
    const int ready = poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) fail(strerror(errno));
  }
}

void Wire::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent >= 0)
      text.remove_prefix(static_cast<size_t>(sent));
    else if (errno == EAGAIN)
      wait_for(POLLOUT);
    else if (errno == EPIPE || errno == ECONNRESET)
      return;
    else if (errno != EINTR)
      fail(strerror(errno));
  }
}

std::string_view Wire::line() {
  for (size_t from = used_;; read_more()) {
    const size_t end = read_.find(line_end, from);
    if (end != std::string::npos) return taken(end - used_);
    if (read_.size() - used_ > longest_line) fail("a line without an end");
    // the CR may have arrived already
    from = std::max(used_, read_.empty() ? 0 : read_.size() - 1);
  }
}

std::string_view Wire::block(size_t length) {
  while (read_.size() - used_ < length + line_end.size()) read_more();
  const std::string_view block = taken(length);
  if (std::string_view(read_).substr(used_ - line_end.size(), line_end.size()) != line_end)
    fail("a message whose length is not the announced one");
  return block;
}

std::string_view Wire::taken(size_t length) {
  const std::string_view text = std::string_view(read_).substr(used_, length);
  used_ += length + line_end.size();
  return text;
}

void Wire::read_more() {
  const size_t before = read_.size();
  for (;;) {
    read_.resize(before + read_bytes);
    const ssize_t got = recv(fd_.get(), read_.data() + before, read_bytes, 0);
    const int error = errno;
    read_.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0) return;
    if (got == 0) fail("the connection was closed");
    if (error != EAGAIN && error != EINTR) fail(strerror(error));
    if (error == EAGAIN) wait_for(POLLIN);
  }
}

}  // namespace door
