#pragma once

#include <map>
#include <set>
#include <vector>

#include "netlink/socket.h"
#include "rtnl/request.h"

namespace rtnl {

/// Performs requests in order, with as few sends as possible, and returns for each nothing or its error. A failure does
/// not stop the others.
class Batch {
 public:
  explicit Batch(nl::Socket& socket) : socket_(socket) {}
  std::vector<nl::Fault> run(const std::vector<Request>& requests);

 private:
  void enqueue(const AddBridge& request);
  void enqueue(const AddVeth& request);
  void enqueue(const AddMacvlan& request);
  void enqueue(const AddIpvlan& request);
  void enqueue(const SetLink& request);
  void enqueue(const DeleteLink& request);
  void enqueue(const AddAddress& request);
  void enqueue(const DeleteAddress& request);
  void enqueue(const AddRoute& request);
  void enqueue(const DeleteRoute& request);

  void push(nl::Message message, const char* op);
  void flush();
  std::vector<nl::Fault> perform_queue();
  /// Returns the index of a link, which a queued request may be about to make. Throws ENODEV.
  uint32_t resolve(const std::string& name, const char* op);
  std::optional<uint32_t> look_up(const std::string& name, const char* op);
  /// Marks a name that a queued request makes or deletes: its known index will become invalid.
  void unsettle(const std::string& name) { unsettled_.insert(name); }
  int netns(const std::string& path, const char* op);

  nl::Socket& socket_;
  std::vector<nl::Fault> faults_;
  size_t current_ = 0;
  std::vector<nl::Operation> queue_;
  std::vector<size_t> owners_;  // index of the request of each queued message
  size_t queued_bytes_ = 0;
  std::map<std::string, uint32_t> indexes_;
  std::set<std::string> unsettled_;
  std::map<std::string, sys::UniqueFd> namespaces_;
};

}  // namespace rtnl
