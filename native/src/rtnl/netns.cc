#include "rtnl/netns.h"

#include "sys/pin.h"

namespace rtnl {
namespace {

/// The socket first: when it cannot be had, nothing was pinned that would have to be undone.
PinnedNetns pin_with_socket(const std::string& path, const std::string& op) {
  nl::Socket socket(NETLINK_ROUTE);
  const auto identity = sys::pin_own_netns(path, op);
  return {identity, std::move(socket)};
}

}  // namespace

PinnedNetns create_netns(const std::string& path) {
  const std::string op = "create netns";
  sys::require_unpinned(path, op);  // before a namespace is made in vain
  return sys::on_fresh_thread([&] {
    sys::unshare_netns(op);
    return pin_with_socket(path, op);
  });
}

PinnedNetns adopt_netns(pid_t pid, const std::string& path) {
  const std::string op = "adopt netns";
  return sys::on_fresh_thread([&] {
    sys::enter_netns_of(pid, op);
    return pin_with_socket(path, op);
  });
}

nl::Socket open_route_socket(const std::string& path) {
  if (path.empty()) return nl::Socket(NETLINK_ROUTE);
  return sys::in_netns(path, "open route socket", [] { return nl::Socket(NETLINK_ROUTE); });
}

}  // namespace rtnl
