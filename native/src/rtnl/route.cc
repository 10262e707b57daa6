#include "rtnl/route.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace rtnl {
namespace {

rtmsg route_header(const sys::IpPrefix& destination) {
  rtmsg header{};
  header.rtm_family = static_cast<uint8_t>(destination.address.family);
  header.rtm_dst_len = destination.length;
  header.rtm_table = RT_TABLE_MAIN;
  return header;
}

void put_route(nl::Message& message, const RouteSpec& route, std::optional<uint32_t> link_index) {
  if (route.destination.length > 0) message.put_ip(RTA_DST, route.destination.address);
  if (route.gateway) message.put_ip(RTA_GATEWAY, *route.gateway);
  if (link_index) message.put_u32(RTA_OIF, *link_index);
  if (route.metric) message.put_u32(RTA_PRIORITY, *route.metric);
}

}  // namespace

nl::Message add_route(const RouteSpec& route, std::optional<uint32_t> link_index) {
  rtmsg header = route_header(route.destination);
  header.rtm_type = route.type.value_or(RTN_UNICAST);
  header.rtm_protocol = RTPROT_STATIC;
  // Without a gateway, the destination is on the link itself. IPv6 ignores the scope.
  const bool on_link = header.rtm_type == RTN_UNICAST && !route.gateway;
  header.rtm_scope = on_link ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  nl::Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, header);
  put_route(message, route, link_index);
  return message;
}

nl::Message delete_route(const RouteSpec& route, std::optional<uint32_t> link_index) {
  rtmsg header = route_header(route.destination);
  header.rtm_type = route.type.value_or(RTN_UNSPEC);  // matches every type
  header.rtm_scope = RT_SCOPE_NOWHERE;                // matches every scope
  nl::Message message(RTM_DELROUTE, 0, header);
  put_route(message, route, link_index);
  return message;
}

}  // namespace rtnl
