#pragma once

#include <linux/if_link.h>

#include <optional>
#include <string>
#include <vector>

#include "netlink/socket.h"

namespace rtnl {

struct LinkInfo {
  uint32_t index;
  std::string name;
  std::string kind;  // "" for physical devices and loopback
  std::string mac;   // "": none
  uint32_t mtu;
  bool up;
  bool went_down;  // in a notice: the link was up before
  bool loopback;
  std::optional<uint32_t> master;
  std::optional<uint32_t> peer;            // the other end of a veth, in its own namespace
  std::optional<uint32_t> parent;          // of a macvlan and the like, in its own namespace
  std::optional<uint32_t> other_netns;     // number of the peer's or parent's namespace, if it differs
  std::optional<bool> vlan_filtering;      // of a bridge
  std::optional<uint32_t> macvlan_mode;    // MACVLAN_MODE_…
  std::optional<int32_t> broadcast_limit;  // of a macvlan whose limit is not the kernel's default
  std::string alias;
  uint32_t group;                                  // IFLA_GROUP, 0 by default
  std::optional<bool> hairpin;                     // of a bridge port
  std::optional<uint8_t> ipv6_address_generation;  // IN6_ADDR_GEN_MODE_…
  std::vector<uint32_t> ipv4;                      // by IPV4_DEVCONF_… - 1; empty where the kernel sends none
  std::vector<int32_t> ipv6;                       // by DEVCONF_…; empty where the link has no IPv6
  rtnl_link_stats64 statistics;
};

/// Parses an RTM_NEWLINK or RTM_DELLINK.
std::optional<LinkInfo> parse_link(const nlmsghdr& message);

/// Equivalent to: ip -s link show
std::vector<LinkInfo> list_links(nl::Socket& socket);
/// Equivalent to: ip -d link show type bridge; without statistics and MAC tables, cheap enough for every second.
std::vector<LinkInfo> list_bridges(nl::Socket& socket);
/// Equivalent to: ip -s link show dev <name>; nothing when it does not exist.
std::optional<LinkInfo> link_by_name(nl::Socket& socket, const std::string& name);
/// Returns the name of the link with that index; nothing if it does not exist.
std::optional<std::string> link_name(nl::Socket& socket, uint32_t index);
/// Returns the index of the link with that name, without collecting statistics; nothing if it does not exist.
std::optional<uint32_t> link_index(nl::Socket& socket, const std::string& name, const std::string& op);

}  // namespace rtnl
