#include "rtnl/netns.h"

#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "netlink/attributes.h"
#include "rtnl/netns_ahead.h"
#include "sys/pin.h"

namespace rtnl {
namespace {

PinnedNetns pin(LooseNetns loose, const std::string& path, const std::string& op) {
  return {sys::pin_netns(loose.handle.get(), path, op), std::move(loose.socket)};
}

LooseNetns make_netns(const std::vector<sys::Sysctl>& settings, const std::string& op) {
  return sys::on_excursion(op, [&] {
    sys::unshare_netns(op);
    sys::set_known_sysctls(sys::ProcRoot::fresh(), settings);
    return own_netns(op);
  });
}

constexpr int32_t kKernelPicks = -1;

nl::Message netns_id_message(uint16_t type, int netns) {
  nl::Message message(type, 0, rtgenmsg{AF_UNSPEC});
  message.put_u32(NETNSA_FD, static_cast<uint32_t>(netns));
  return message;
}

std::optional<uint32_t> query_netns_id(nl::Socket& socket, int netns, const std::string& op) {
  const auto number = [](const nlmsghdr& answer) {
    return nl::Attributes::after<rtgenmsg>(answer).value<int32_t>(NETNSA_NSID);
  };
  const auto found = nl::collect(socket, netns_id_message(RTM_GETNSID, netns), op, number);
  if (found.empty() || found.front() < 0) return std::nullopt;
  return static_cast<uint32_t>(found.front());
}

}  // namespace

LooseNetns own_netns(const std::string& op) { return {sys::open_own_netns(op), nl::Socket(NETLINK_ROUTE)}; }

PinnedNetns create_netns(const std::string& path, const std::vector<sys::Sysctl>& settings) {
  const std::string op = "create netns";
  std::optional<LooseNetns> begun = take_begun_netns(path);
  sys::require_unpinned(path, op);  // before a namespace is made that could not be pinned
  return pin(begun ? std::move(*begun) : make_netns(settings, op), path, op);
}

PinnedNetns adopt_netns(pid_t pid, const std::string& path) {
  const std::string op = "adopt netns";
  LooseNetns adopted = sys::on_excursion(op, [&] {
    sys::enter_netns_of(pid, op);
    return own_netns(op);
  });
  return pin(std::move(adopted), path, op);
}

std::optional<uint32_t> netns_id_of(nl::Socket& socket, const std::string& path) {
  const std::string op = "find netns id";
  return query_netns_id(socket, sys::open_netns(path, op).get(), op);
}

uint32_t assign_netns_id(nl::Socket& socket, const std::string& path) {
  const std::string op = "assign netns id";
  const sys::UniqueFd netns = sys::open_netns(path, op);
  nl::Message request = netns_id_message(RTM_NEWNSID, netns.get());
  request.put_u32(NETNSA_NSID, static_cast<uint32_t>(kKernelPicks));
  try {
    socket.transact(std::move(request), op);
  } catch (const sys::SysError& error) {
    if (error.error() != EEXIST) throw;
  }
  // The acknowledgement does not contain the number that the kernel picked.
  const auto number = query_netns_id(socket, netns.get(), op);
  if (!number) throw sys::SysError(op, ENOENT, path + " has no number");
  return *number;
}

nl::Socket open_route_socket(const std::string& path) {
  if (path.empty()) return nl::Socket(NETLINK_ROUTE);
  return sys::in_netns(path, "open route socket", [] { return nl::Socket(NETLINK_ROUTE); });
}

}  // namespace rtnl
