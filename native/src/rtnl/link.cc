#include "rtnl/link.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

namespace rtnl {
namespace {

constexpr uint16_t kCreate = NLM_F_CREATE | NLM_F_EXCL;

ifinfomsg link_header(std::optional<bool> up = std::nullopt) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  if (up) header.ifi_change = IFF_UP;
  if (up == true) header.ifi_flags = IFF_UP;
  return header;
}

void put_mac(nl::Message& message, const std::optional<MacAddress>& mac) {
  if (mac) message.put(IFLA_ADDRESS, mac->data(), mac->size());
}

void put_mtu(nl::Message& message, const std::optional<uint32_t>& mtu) {
  if (mtu) message.put_u32(IFLA_MTU, *mtu);
}

void put_one_queue(nl::Message& message) {
  message.put_u32(IFLA_NUM_TX_QUEUES, 1);
  message.put_u32(IFLA_NUM_RX_QUEUES, 1);
}

nl::Message sublink_message(const std::string& name, uint32_t parent_index, int netns) {
  nl::Message message(RTM_NEWLINK, kCreate, link_header());
  message.put_string(IFLA_IFNAME, name);
  message.put_u32(IFLA_LINK, parent_index);
  message.put_u32(IFLA_NET_NS_FD, static_cast<uint32_t>(netns));
  return message;
}

void put_peer(nl::Message& message, const AddVeth& veth, int netns) {
  auto peer = message.nest(VETH_INFO_PEER);
  const ifinfomsg header = link_header();
  message.append(&header, sizeof header);
  message.put_string(IFLA_IFNAME, veth.peer_name);
  put_mac(message, veth.peer_mac);
  put_mtu(message, veth.mtu);
  put_one_queue(message);
  message.put_u32(IFLA_NET_NS_FD, static_cast<uint32_t>(netns));
}

void put_ipv4(nl::Message& message, const std::map<uint16_t, uint32_t>& values) {
  if (values.empty()) return;
  auto family = message.nest(AF_INET);
  auto configuration = message.nest(IFLA_INET_CONF);
  for (const auto& [id, value] : values) message.put_u32(id, value);
}

void put_ipv6(nl::Message& message, std::optional<uint8_t> generation) {
  if (!generation) return;
  auto family = message.nest(AF_INET6);
  message.put_u8(IFLA_INET6_ADDR_GEN_MODE, *generation);
}

void put_hairpin(nl::Message& message, bool on) {
  auto info = message.nest(IFLA_LINKINFO);
  message.put_string(IFLA_INFO_SLAVE_KIND, "bridge");
  auto port = message.nest(IFLA_INFO_SLAVE_DATA);
  message.put_u8(IFLA_BRPORT_MODE, on ? 1 : 0);
}

/// Per-device settings; /proc/sys would take longer the more namespaces there are.
bool has_af_spec(const SetLink& link) { return !link.ipv4.empty() || link.ipv6_address_generation; }

}  // namespace

nl::Message add_bridge(const AddBridge& bridge) {
  nl::Message message(RTM_NEWLINK, kCreate, link_header(bridge.up ? std::optional(true) : std::nullopt));
  message.put_string(IFLA_IFNAME, bridge.name);
  put_mac(message, bridge.mac);
  put_mtu(message, bridge.mtu);
  auto info = message.nest(IFLA_LINKINFO);
  message.put_string(IFLA_INFO_KIND, "bridge");
  auto data = message.nest(IFLA_INFO_DATA);
  // Frames to link-local addresses pass no chain of a firewall: by them a port could take the MAC of another one.
  constexpr uint32_t kNoLinkLocalLearning = 1 << BR_BOOLOPT_NO_LL_LEARN;
  const br_boolopt_multi options{kNoLinkLocalLearning, kNoLinkLocalLearning};
  message.put(IFLA_BR_MULTI_BOOLOPT, &options, sizeof options);
  // A kernel that cannot filter also refuses to switch filtering off.
  if (bridge.vlan_filtering) message.put_u8(IFLA_BR_VLAN_FILTERING, 1);
  return message;
}

nl::Message add_veth(const AddVeth& veth, int peer_netns) {
  nl::Message message(RTM_NEWLINK, kCreate, link_header());
  message.put_string(IFLA_IFNAME, veth.name);
  put_mac(message, veth.mac);
  put_mtu(message, veth.mtu);
  if (veth.group) message.put_u32(IFLA_GROUP, *veth.group);
  put_one_queue(message);
  auto info = message.nest(IFLA_LINKINFO);
  message.put_string(IFLA_INFO_KIND, "veth");
  auto data = message.nest(IFLA_INFO_DATA);
  put_peer(message, veth, peer_netns);
  return message;
}

nl::Message add_macvlan(const AddMacvlan& macvlan, uint32_t parent_index, int netns) {
  nl::Message message = sublink_message(macvlan.name, parent_index, netns);
  put_mac(message, macvlan.mac);
  put_mtu(message, macvlan.mtu);
  auto info = message.nest(IFLA_LINKINFO);
  message.put_string(IFLA_INFO_KIND, "macvlan");
  auto data = message.nest(IFLA_INFO_DATA);
  message.put_u32(IFLA_MACVLAN_MODE, macvlan.mode);
  if (macvlan.broadcast_limit) {
    message.put_u32(kMacvlanBroadcastCutoff, static_cast<uint32_t>(*macvlan.broadcast_limit));
  }
  return message;
}

nl::Message add_ipvlan(const AddIpvlan& ipvlan, uint32_t parent_index, int netns) {
  nl::Message message = sublink_message(ipvlan.name, parent_index, netns);
  put_mtu(message, ipvlan.mtu);
  auto info = message.nest(IFLA_LINKINFO);
  message.put_string(IFLA_INFO_KIND, "ipvlan");
  auto data = message.nest(IFLA_INFO_DATA);
  message.put(IFLA_IPVLAN_MODE, &ipvlan.mode, sizeof ipvlan.mode);
  return message;
}

bool configures_before_up(const SetLink& link) { return link.up == true && (has_af_spec(link) || link.bridge_vlan); }

// Not RTM_NEWLINK: with a group and a name that no link has, kernels before 5.19 change every link of that group.
nl::Message set_link(const SetLink& link, std::optional<uint32_t> master_index) {
  nl::Message message(RTM_SETLINK, 0, link_header(configures_before_up(link) ? std::nullopt : link.up));
  message.put_string(IFLA_IFNAME, link.name);
  put_mac(message, link.mac);
  put_mtu(message, link.mtu);
  if (link.alias) message.put(IFLA_IFALIAS, link.alias->data(), link.alias->size());
  if (link.group) message.put_u32(IFLA_GROUP, *link.group);
  if (master_index) message.put_u32(IFLA_MASTER, *master_index);
  if (has_af_spec(link)) {
    auto families = message.nest(IFLA_AF_SPEC);
    put_ipv4(message, link.ipv4);
    put_ipv6(message, link.ipv6_address_generation);
  }
  return message;
}

nl::Message finish_link(const SetLink& link) {
  nl::Message message(RTM_NEWLINK, 0, link_header(configures_before_up(link) ? link.up : std::nullopt));
  message.put_string(IFLA_IFNAME, link.name);
  if (link.hairpin) put_hairpin(message, *link.hairpin);
  return message;
}

nl::Message set_bridge_vlan(uint32_t link_index, uint16_t vlan) {
  ifinfomsg header{};
  header.ifi_family = AF_BRIDGE;
  header.ifi_index = static_cast<int>(link_index);
  nl::Message message(RTM_SETLINK, 0, header);
  auto specification = message.nest(IFLA_AF_SPEC);
  const bridge_vlan_info info{BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED, vlan};
  message.put(IFLA_BRIDGE_VLAN_INFO, &info, sizeof info);
  return message;
}

nl::Message delete_link(const DeleteLink& link) {
  nl::Message message(RTM_DELLINK, 0, link_header());
  message.put_string(IFLA_IFNAME, link.name);
  return message;
}

}  // namespace rtnl
