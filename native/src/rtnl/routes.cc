#include "rtnl/routes.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "netlink/attributes.h"

namespace rtnl {
namespace {

std::optional<sys::IpAddress> ip_attribute(const nl::Attributes& attributes, uint16_t type) {
  const auto found = attributes.find(type);
  return found ? sys::ip_from_bytes(found->data, found->size) : std::nullopt;
}

std::optional<sys::IpAddress> gateway_of(const nl::Attributes& attributes) {
  if (const auto gateway = ip_attribute(attributes, RTA_GATEWAY)) return gateway;
  // RTA_VIA is a gateway of the other family: 16 bits of family, then the address.
  const auto via = attributes.find(RTA_VIA);
  return via && via->size > 2 ? sys::ip_from_bytes(via->data + 2, via->size - 2) : std::nullopt;
}

void read_next_hop(RouteInfo& route, const nl::Attribute& multipath) {
  const auto hop = multipath.as<rtnexthop>();
  if (multipath.size < sizeof hop || hop.rtnh_len < sizeof hop || hop.rtnh_len > multipath.size) return;
  route.link_index = static_cast<uint32_t>(hop.rtnh_ifindex);
  route.gateway = gateway_of(nl::Attributes(multipath.data + sizeof hop, hop.rtnh_len - sizeof hop));
}

bool is_configured(const rtmsg& header, const nl::Attributes& attributes) {
  const auto table = attributes.value<uint32_t>(RTA_TABLE).value_or(header.rtm_table);
  if (table != RT_TABLE_MAIN || (header.rtm_flags & RTM_F_CLONED)) return false;
  if (header.rtm_family != AF_INET && header.rtm_family != AF_INET6) return false;
  return header.rtm_type != RTN_LOCAL && header.rtm_type != RTN_BROADCAST && header.rtm_type != RTN_MULTICAST &&
         header.rtm_type != RTN_ANYCAST;
}

/// Checks for the errors of a missing route, and of the types unreachable, prohibit and (EINVAL) blackhole.
bool says_unreachable(int error) {
  return error == ENETUNREACH || error == EHOSTUNREACH || error == EACCES || error == EINVAL;
}

}  // namespace

std::optional<RouteInfo> parse_route(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWROUTE && message.nlmsg_type != RTM_DELROUTE) return std::nullopt;
  const auto& header = *static_cast<const rtmsg*>(NLMSG_DATA(&message));
  const auto attributes = nl::Attributes::after<rtmsg>(message);
  if (!is_configured(header, attributes)) return std::nullopt;
  const auto destination = ip_attribute(attributes, RTA_DST).value_or(sys::any_address(header.rtm_family));
  RouteInfo route{{destination, header.rtm_dst_len},   {}, {}, {}, {}, header.rtm_type,
                  header.rtm_protocol == RTPROT_KERNEL};
  route.gateway = gateway_of(attributes);
  // Refusing routes have no link; IPv6 puts them on loopback.
  if (header.rtm_type == RTN_UNICAST) route.link_index = attributes.value<uint32_t>(RTA_OIF);
  route.metric = attributes.value<uint32_t>(RTA_PRIORITY);
  route.source = ip_attribute(attributes, RTA_PREFSRC);
  if (const auto multipath = attributes.find(RTA_MULTIPATH)) read_next_hop(route, *multipath);
  return route;
}

std::vector<RouteInfo> list_routes(nl::Socket& socket) {
  return nl::collect(socket, nl::Message(RTM_GETROUTE, NLM_F_DUMP, rtmsg{}), "list routes", parse_route);
}

std::optional<WayTo> way_to(nl::Socket& socket, const sys::IpAddress& address) {
  rtmsg header{};
  header.rtm_family = static_cast<uint8_t>(address.family);
  header.rtm_dst_len = static_cast<uint8_t>(address.size() * 8);
  nl::Message request(RTM_GETROUTE, 0, header);
  request.put_ip(RTA_DST, address);
  const auto way = [](const nlmsghdr& message) {
    const auto attributes = nl::Attributes::after<rtmsg>(message);
    const bool local = static_cast<const rtmsg*>(NLMSG_DATA(&message))->rtm_type == RTN_LOCAL;
    return std::optional(WayTo{ip_attribute(attributes, RTA_PREFSRC), attributes.value<uint32_t>(RTA_OIF), local});
  };
  try {
    const auto found = nl::collect(socket, request, "find route", way);
    if (!found.empty()) return found.front();
  } catch (const sys::SysError& error) {
    if (!says_unreachable(error.error())) throw;
  }
  return std::nullopt;
}

}  // namespace rtnl
