#pragma once

#include <linux/netlink.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "netlink/message.h"
#include "sys/sys_error.h"
#include "sys/unique_fd.h"

namespace nl {

/// A message, and the verb for its errors.
struct Operation {
  Message message;
  std::string op;
};
using Fault = std::optional<sys::SysError>;
using Visitor = std::function<void(const nlmsghdr&)>;

/// A netlink socket. It stays in the namespace of the thread that opened it, even if another thread uses it.
///
/// The kernel handles what is sent inside sendmsg and has queued every answer when that returns, so nothing here waits:
/// a missing answer was dropped because the buffer was full (ENOBUFS).
class Socket {
 public:
  /// Throws EPROTONOSUPPORT, EMFILE. `groups` are multicast groups by number (RTNLGRP_…).
  explicit Socket(int protocol, const std::vector<int>& groups = {});

  int fd() const { return fd_.get(); }

  /// Receives the multicast of every namespace that has a number in the socket's own. Equivalent to: ip monitor
  /// all-nsid
  void hear_all_namespaces();
  /// Receives deletions only (RTM_DEL…): the kernel drops everything else before it wakes the reader.
  void hear_deletions_only();
  /// Number of the namespace of the last datagram; nothing: the socket's own.
  std::optional<uint32_t> origin() const { return origin_; }

  /// Sends one message and waits for its acknowledgement. Throws the kernel's error.
  void transact(Message message, const std::string& op);
  /// Sends all messages in one datagram, and returns for each nothing or its error. A failure does not stop the others.
  std::vector<Fault> perform(std::vector<Operation> operations);
  /// Sends a get or dump request and visits every message of the answer. If a dump is inconsistent, it is repeated
  /// after a call of `restart`. Throws the kernel's error.
  void query(const Message& request, const std::string& op, const Visitor& visit, const std::function<void()>& restart);

  /// Sends bytes that have their own sequence numbers (nfnetlink batches), of any size.
  void send(const std::vector<uint8_t>& bytes, const std::string& op);
  uint32_t next_sequence() { return ++sequence_; }

  /// Visits the messages of the next datagram. false: none is queued. Throws ENOBUFS if the kernel dropped some.
  bool receive(const std::string& op, const Visitor& visit);

 private:
  ssize_t receive_datagram(uint8_t* buffer, size_t capacity);
  bool query_once(Message request, const std::string& op, const Visitor& visit);

  sys::UniqueFd fd_;
  uint32_t sequence_ = 0;
  std::optional<uint32_t> origin_;
};

/// Parses an NLMSG_ERROR message; nothing: an acknowledgement.
Fault fault_of(const nlmsghdr& message, const std::string& op);

/// Queries, and collects the results of `parse` (nlmsghdr → optional) for all messages.
template <class Parse>
auto collect(Socket& socket, const Message& request, const std::string& op, Parse parse) {
  std::vector<typename std::invoke_result_t<Parse, const nlmsghdr&>::value_type> all;
  const auto visit = [&](const nlmsghdr& message) {
    if (auto one = parse(message)) all.push_back(std::move(*one));
  };
  socket.query(request, op, visit, [&] { all.clear(); });
  return all;
}

}  // namespace nl
