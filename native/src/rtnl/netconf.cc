#include "rtnl/netconf.h"

#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "netlink/attributes.h"

namespace rtnl {

std::optional<NetconfInfo> parse_netconf(const nlmsghdr& message) {
  const auto* header = static_cast<const netconfmsg*>(NLMSG_DATA(&message));
  if (header->ncm_family != AF_INET && header->ncm_family != AF_INET6) return std::nullopt;
  const auto attributes = nl::Attributes::after<netconfmsg>(message);
  const auto link_index = attributes.value<int32_t>(NETCONFA_IFINDEX);
  if (!link_index) return std::nullopt;
  return NetconfInfo{header->ncm_family, *link_index, attributes.value<int32_t>(NETCONFA_FORWARDING),
                     attributes.value<int32_t>(NETCONFA_RP_FILTER)};
}

}  // namespace rtnl
