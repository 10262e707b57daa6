#include "rtnl/notice.h"

#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "netlink/attributes.h"

namespace rtnl {
namespace {

/// Checks for a bridge port that left its bridge: an RTM_DELLINK of family AF_BRIDGE, although the link still exists.
bool concerns_the_link(const nlmsghdr& message) {
  return static_cast<const ifinfomsg*>(NLMSG_DATA(&message))->ifi_family == AF_UNSPEC;
}

std::optional<EndedNetns> ended_netns(const nlmsghdr& message) {
  const auto number = nl::Attributes::after<rtgenmsg>(message).value<int32_t>(NETNSA_NSID);
  return number && *number >= 0 ? std::optional(EndedNetns{static_cast<uint32_t>(*number)}) : std::nullopt;
}

}  // namespace

std::vector<int> group_numbers(const Groups& groups) {
  std::vector<int> numbers;
  if (groups.links) numbers.push_back(RTNLGRP_LINK);
  if (groups.addresses) numbers.insert(numbers.end(), {RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR});
  if (groups.routes) numbers.insert(numbers.end(), {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE});
  if (groups.settings) numbers.insert(numbers.end(), {RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF});
  if (groups.namespaces) numbers.push_back(RTNLGRP_NSID);
  return numbers;
}

std::optional<Notice> parse_notice(const nlmsghdr& message, std::optional<uint32_t> netns_id) {
  const auto notice = [&](bool gone, auto info) {
    return info ? std::optional(Notice{gone, netns_id, std::move(*info)}) : std::nullopt;
  };
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      if (!concerns_the_link(message)) return std::nullopt;
      return notice(message.nlmsg_type == RTM_DELLINK, parse_link(message));
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return notice(message.nlmsg_type == RTM_DELADDR, parse_address(message));
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return notice(message.nlmsg_type == RTM_DELROUTE, parse_route(message));
    case RTM_DELNSID:
      return notice(true, ended_netns(message));
    case RTM_NEWNETCONF:
      return notice(false, parse_netconf(message));
    default:
      return std::nullopt;
  }
}

}  // namespace rtnl
