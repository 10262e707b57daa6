#include "rtnl/addresses.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "netlink/attributes.h"

namespace rtnl {

std::optional<AddressInfo> parse_address(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWADDR && message.nlmsg_type != RTM_DELADDR) return std::nullopt;
  const auto* header = static_cast<const ifaddrmsg*>(NLMSG_DATA(&message));
  const auto attributes = nl::Attributes::after<ifaddrmsg>(message);
  // IFA_ADDRESS is the other end of a point-to-point link; IFA_LOCAL is our end, and missing where both are equal.
  auto raw = attributes.find(IFA_LOCAL);
  if (!raw) raw = attributes.find(IFA_ADDRESS);
  const auto address = raw ? sys::ip_from_bytes(raw->data, raw->size) : std::nullopt;
  if (!address) return std::nullopt;
  return AddressInfo{header->ifa_index, {*address, header->ifa_prefixlen}, header->ifa_scope};
}

std::vector<AddressInfo> list_addresses(nl::Socket& socket) {
  return nl::collect(socket, nl::Message(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}), "list addresses", parse_address);
}

}  // namespace rtnl
