#include "rtnl/links.h"

#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "netlink/attributes.h"
#include "rtnl/link.h"

namespace rtnl {
namespace {

std::string mac_text(const nl::Attributes& attributes) {
  const auto address = attributes.find(IFLA_ADDRESS);
  if (!address || address->size != 6) return {};
  char text[18];
  const uint8_t* b = address->data;
  snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
  return text;
}

std::string kind_of(const nl::Attributes& attributes) {
  const auto info = attributes.find(IFLA_LINKINFO);
  return info ? info->nested().string(IFLA_INFO_KIND) : std::string();
}

/// Reads the attribute `type` of a link's kind, if the link is of that kind.
template <class T>
std::optional<T> kind_value(const nl::Attributes& attributes, const char* kind, uint16_t type) {
  const auto info = attributes.find(IFLA_LINKINFO);
  if (!info || info->nested().string(IFLA_INFO_KIND) != kind) return std::nullopt;
  const auto data = info->nested().find(IFLA_INFO_DATA);
  return data ? data->nested().value<T>(type) : std::nullopt;
}

/// Reads the index of the parent; a tunnel without one has 0.
std::optional<uint32_t> parent_of(const nl::Attributes& attributes) {
  const auto parent = attributes.value<uint32_t>(IFLA_LINK);
  return parent == 0u ? std::nullopt : parent;
}

std::optional<bool> hairpin_of(const nl::Attributes& attributes) {
  const auto info = attributes.find(IFLA_LINKINFO);
  if (!info || info->nested().string(IFLA_INFO_SLAVE_KIND) != "bridge") return std::nullopt;
  const auto port = info->nested().find(IFLA_INFO_SLAVE_DATA);
  if (!port) return std::nullopt;
  return port->nested().value<uint8_t>(IFLA_BRPORT_MODE).value_or(0) != 0;
}

std::optional<nl::Attributes> family_of(const nl::Attributes& attributes, uint16_t family) {
  const auto families = attributes.find(IFLA_AF_SPEC);
  const auto found = families ? families->nested().find(family) : std::nullopt;
  return found ? std::optional(found->nested()) : std::nullopt;
}

/// Reads the settings of a family, which the kernel sends as one array in the order of their numbers.
template <class Value>
std::vector<Value> configuration_of(const nl::Attributes& attributes, uint16_t family, uint16_t type) {
  const auto found = family_of(attributes, family);
  const auto values = found ? found->find(type) : std::nullopt;
  if (!values) return {};
  std::vector<Value> configuration(values->size / sizeof(Value));
  if (!configuration.empty()) std::memcpy(configuration.data(), values->data, configuration.size() * sizeof(Value));
  return configuration;
}

std::optional<uint8_t> ipv6_address_generation_of(const nl::Attributes& attributes) {
  const auto family = family_of(attributes, AF_INET6);
  return family ? family->value<uint8_t>(IFLA_INET6_ADDR_GEN_MODE) : std::nullopt;
}

nl::Message link_query(const std::string& name, uint32_t mask) {
  nl::Message request(RTM_GETLINK, 0, ifinfomsg{});
  request.put_string(IFLA_IFNAME, name);
  if (mask != 0) request.put_u32(IFLA_EXT_MASK, mask);
  return request;
}

/// Returns the answer to a query by name; nothing if the link does not exist.
template <class Parse>
auto find_link(nl::Socket& socket, const nl::Message& request, const std::string& op, Parse parse)
    -> std::invoke_result_t<Parse, const nlmsghdr&> {
  try {
    const auto found = nl::collect(socket, request, op, parse);
    if (!found.empty()) return found.front();
  } catch (const sys::SysError& error) {
    if (error.error() != ENODEV) throw;
  }
  return std::nullopt;
}

/// Finds an index by a name or an alternative name, which may be longer.
std::optional<uint32_t> index_by_message(nl::Socket& socket, const std::string& name, const std::string& op) {
  const auto index = [](const nlmsghdr& message) {
    return std::optional(static_cast<uint32_t>(static_cast<const ifinfomsg*>(NLMSG_DATA(&message))->ifi_index));
  };
  return find_link(socket, link_query(name, RTEXT_FILTER_SKIP_STATS), op, index);
}

}  // namespace

std::optional<LinkInfo> parse_link(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWLINK && message.nlmsg_type != RTM_DELLINK) return std::nullopt;
  const auto* header = static_cast<const ifinfomsg*>(NLMSG_DATA(&message));
  const auto attributes = nl::Attributes::after<ifinfomsg>(message);
  LinkInfo link{};
  link.index = static_cast<uint32_t>(header->ifi_index);
  link.name = attributes.string(IFLA_IFNAME);
  link.kind = kind_of(attributes);
  link.mac = mac_text(attributes);
  link.mtu = attributes.value<uint32_t>(IFLA_MTU).value_or(0);
  link.up = (header->ifi_flags & IFF_UP) != 0;
  // in the notice of a new link, all flags are marked as changed
  link.went_down = !link.up && header->ifi_change != ~0u && (header->ifi_change & IFF_UP) != 0;
  link.loopback = (header->ifi_flags & IFF_LOOPBACK) != 0;
  link.master = attributes.value<uint32_t>(IFLA_MASTER);
  link.peer = link.kind == "veth" ? attributes.value<uint32_t>(IFLA_LINK) : std::nullopt;
  link.parent = link.kind == "veth" ? std::nullopt : parent_of(attributes);
  link.other_netns = attributes.value<uint32_t>(IFLA_LINK_NETNSID);
  if (const auto on = kind_value<uint8_t>(attributes, "bridge", IFLA_BR_VLAN_FILTERING)) link.vlan_filtering = *on != 0;
  link.macvlan_mode = kind_value<uint32_t>(attributes, "macvlan", IFLA_MACVLAN_MODE);
  link.broadcast_limit = kind_value<int32_t>(attributes, "macvlan", kMacvlanBroadcastCutoff);
  link.alias = attributes.string(IFLA_IFALIAS);
  link.group = attributes.value<uint32_t>(IFLA_GROUP).value_or(0);
  link.hairpin = hairpin_of(attributes);
  link.ipv6_address_generation = ipv6_address_generation_of(attributes);
  link.ipv4 = configuration_of<uint32_t>(attributes, AF_INET, IFLA_INET_CONF);
  link.ipv6 = configuration_of<int32_t>(attributes, AF_INET6, IFLA_INET6_CONF);
  link.statistics = attributes.value<rtnl_link_stats64>(IFLA_STATS64).value_or(rtnl_link_stats64{});
  return link;
}

std::vector<LinkInfo> list_links(nl::Socket& socket) {
  return nl::collect(socket, nl::Message(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}), "list links", parse_link);
}

std::vector<LinkInfo> list_bridges(nl::Socket& socket) {
  nl::Message request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{});
  request.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  {
    auto info = request.nest(IFLA_LINKINFO);
    request.put_string(IFLA_INFO_KIND, "bridge");
  }
  return nl::collect(socket, request, "list bridges", parse_link);
}

std::optional<LinkInfo> link_by_name(nl::Socket& socket, const std::string& name) {
  return find_link(socket, link_query(name, 0), "find link", parse_link);
}

std::optional<uint32_t> link_index(nl::Socket& socket, const std::string& name, const std::string& op) {
  ifreq request{};
  if (name.size() >= sizeof request.ifr_name) return index_by_message(socket, name, op);
  // Works with any socket, and needs neither the kernel's lock nor the complete description of a link.
  name.copy(request.ifr_name, name.size());
  if (ioctl(socket.fd(), SIOCGIFINDEX, &request) == 0) return static_cast<uint32_t>(request.ifr_ifindex);
  if (errno == ENODEV) return std::nullopt;
  sys::throw_errno(op, name);
}

std::optional<std::string> link_name(nl::Socket& socket, uint32_t index) {
  ifreq request{};
  request.ifr_ifindex = static_cast<int>(index);
  if (ioctl(socket.fd(), SIOCGIFNAME, &request) == 0) return request.ifr_name;
  if (errno == ENODEV) return std::nullopt;
  sys::throw_errno("find link", std::to_string(index));
}

}  // namespace rtnl
