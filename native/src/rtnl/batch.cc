#include "rtnl/batch.h"

#include "rtnl/address.h"
#include "rtnl/link.h"
#include "rtnl/links.h"
#include "rtnl/route.h"
#include "sys/netns.h"

namespace rtnl {
namespace {

// Every message is answered, and the answers must fit the receive buffer.
constexpr size_t kMessagesPerSend = 32, kBytesPerSend = 16384;

constexpr char kSetBridgeVlan[] = "set bridge vlan";

/// Names the feature that the kernel lacks, if its own message is vague ("Unknown device type") or missing.
std::string what_is_missing(const sys::SysError& error) {
  const std::string& op = error.op();
  if (error.detail() == "Unknown device type") return "the kernel has no " + op.substr(op.find(' ') + 1);  // add ipvlan
  if (op == "add bridge") return "the kernel has no VLAN filtering in bridges";
  if (op == kSetBridgeVlan) return "the link is not a port of a bridge, or the kernel has no VLAN filtering in bridges";
  return error.detail();
}

sys::SysError explain(const sys::SysError& error) {
  return error.error() == EOPNOTSUPP ? sys::SysError(error.op(), EOPNOTSUPP, what_is_missing(error)) : error;
}

}  // namespace

std::vector<nl::Fault> Batch::run(const std::vector<Request>& requests) {
  faults_.assign(requests.size(), std::nullopt);
  for (current_ = 0; current_ < requests.size(); ++current_) {
    try {
      std::visit([this](const auto& request) { enqueue(request); }, requests[current_]);
    } catch (const sys::SysError& error) {
      faults_[current_] = error;
    }
  }
  flush();
  return std::move(faults_);
}

void Batch::enqueue(const AddBridge& request) {
  push(add_bridge(request), "add bridge");
  unsettle(request.name);
}

void Batch::enqueue(const AddVeth& request) {
  push(add_veth(request, netns(request.peer_netns, "add veth")), "add veth");
  unsettle(request.name);
  unsettle(request.peer_name);
}

void Batch::enqueue(const AddMacvlan& request) {
  const char* op = "add macvlan";
  push(add_macvlan(request, resolve(request.parent, op), netns(request.netns, op)), op);
  unsettle(request.name);
}

void Batch::enqueue(const AddIpvlan& request) {
  const char* op = "add ipvlan";
  push(add_ipvlan(request, resolve(request.parent, op), netns(request.netns, op)), op);
  unsettle(request.name);
}

void Batch::enqueue(const SetLink& request) {
  std::optional<uint32_t> master;
  if (request.master) master = request.master->empty() ? 0 : resolve(*request.master, "set link");
  std::optional<uint32_t> port;
  if (request.bridge_vlan) port = resolve(request.name, kSetBridgeVlan);
  push(set_link(request, master), "set link");
  if (port) push(set_bridge_vlan(*port, *request.bridge_vlan), kSetBridgeVlan);
  // Port settings are accepted only for a port of a bridge, so they are sent after the link joins.
  if (configures_before_up(request) || request.hairpin) push(finish_link(request), "set link");
}

void Batch::enqueue(const DeleteLink& request) {
  push(delete_link(request), "delete link");
  unsettle(request.name);
  indexes_.clear();  // deleting a veth also deletes its other end
}

void Batch::enqueue(const AddAddress& request) {
  push(add_address(request, resolve(request.link, "add address")), "add address");
}

void Batch::enqueue(const DeleteAddress& request) {
  push(delete_address(request, resolve(request.link, "delete address")), "delete address");
}

void Batch::enqueue(const AddRoute& request) {
  const auto link = request.link ? std::optional(resolve(*request.link, "add route")) : std::nullopt;
  push(add_route(request, link), "add route");
}

void Batch::enqueue(const DeleteRoute& request) {
  const auto link = request.link ? std::optional(resolve(*request.link, "delete route")) : std::nullopt;
  push(delete_route(request, link), "delete route");
}

void Batch::push(nl::Message message, const char* op) {
  const size_t size = message.bytes().size();
  if (queue_.size() == kMessagesPerSend || queued_bytes_ + size > kBytesPerSend) flush();
  queued_bytes_ += size;
  queue_.push_back({std::move(message), op});
  owners_.push_back(current_);
}

void Batch::flush() {
  const auto answers = perform_queue();
  for (size_t i = 0; i < answers.size(); ++i) {
    nl::Fault& fault = faults_[owners_[i]];
    if (answers[i] && !fault) fault = explain(*answers[i]);
  }
  queue_.clear();
  owners_.clear();
  queued_bytes_ = 0;
  for (const std::string& name : unsettled_) indexes_.erase(name);
  unsettled_.clear();
}

/// If a send fails as a whole, every queued request has failed, not just the request that caused the flush.
std::vector<nl::Fault> Batch::perform_queue() {
  const size_t count = queue_.size();
  try {
    return socket_.perform(std::move(queue_));
  } catch (const sys::SysError& error) {
    return std::vector<nl::Fault>(count, error);
  }
}

uint32_t Batch::resolve(const std::string& name, const char* op) {
  if (unsettled_.count(name) != 0) flush();
  auto index = look_up(name, op);
  if (!index && !queue_.empty()) {
    flush();
    index = look_up(name, op);
  }
  if (!index) throw sys::SysError(op, ENODEV, "no link is named " + name);
  return *index;
}

std::optional<uint32_t> Batch::look_up(const std::string& name, const char* op) {
  const auto known = indexes_.find(name);
  if (known != indexes_.end()) return known->second;
  const auto index = link_index(socket_, name, op);
  if (index) indexes_[name] = *index;
  return index;
}

int Batch::netns(const std::string& path, const char* op) {
  const auto known = namespaces_.find(path);
  if (known != namespaces_.end()) return known->second.get();
  return namespaces_.emplace(path, sys::open_netns(path, op)).first->second.get();
}

}  // namespace rtnl
