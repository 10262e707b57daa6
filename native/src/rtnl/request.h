#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "sys/ip.h"

namespace rtnl {

using MacAddress = std::array<uint8_t, 6>;

struct AddBridge {
  std::string name;
  std::optional<MacAddress> mac;
  std::optional<uint32_t> mtu;
  bool up;
  bool vlan_filtering;
};

struct AddVeth {
  std::string name;
  std::optional<MacAddress> mac;
  std::optional<uint32_t> mtu;
  std::string peer_name;
  std::string peer_netns;
  std::optional<MacAddress> peer_mac;
  std::optional<uint32_t> group;  // of this end
};

struct AddMacvlan {
  std::string name;
  std::string parent;
  std::string netns;
  uint32_t mode;                           // MACVLAN_MODE_…
  std::optional<int32_t> broadcast_limit;  // IFLA_MACVLAN_BC_CUTOFF
  std::optional<MacAddress> mac;
  std::optional<uint32_t> mtu;
};

struct AddIpvlan {
  std::string name;
  std::string parent;
  std::string netns;
  uint16_t mode;  // IPVLAN_MODE_…
  std::optional<uint32_t> mtu;
};

/// Fields without a value are not changed.
struct SetLink {
  std::string name;
  std::optional<bool> up;
  std::optional<std::string> master;  // "" for nomaster
  std::optional<MacAddress> mac;
  std::optional<uint32_t> mtu;
  std::optional<std::string> alias;
  std::optional<uint32_t> group;
  std::map<uint16_t, uint32_t> ipv4;  // IPV4_DEVCONF_… → value
  std::optional<uint8_t> ipv6_address_generation;
  std::optional<bool> hairpin;          // for a port of a bridge
  std::optional<uint16_t> bridge_vlan;  // for a port of a bridge
};

struct DeleteLink {
  std::string name;
};

struct AddAddress {
  std::string link;
  sys::IpPrefix address;
  bool no_dad;
};

struct DeleteAddress {
  std::string link;
  sys::IpPrefix address;
};

struct RouteSpec {
  sys::IpPrefix destination;
  std::optional<sys::IpAddress> gateway;
  std::optional<std::string> link;
  std::optional<uint32_t> metric;
  std::optional<uint8_t> type;  // RTN_…
};

struct AddRoute : RouteSpec {};
struct DeleteRoute : RouteSpec {};

using Request = std::variant<AddBridge, AddVeth, AddMacvlan, AddIpvlan, SetLink, DeleteLink, AddAddress, DeleteAddress,
                             AddRoute, DeleteRoute>;

}  // namespace rtnl
