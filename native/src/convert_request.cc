// Parses a RouteRequest, verb by verb, with the names of native/index.d.ts.
#include <linux/if_link.h>
#include <linux/ip.h>

#include "convert_route.h"

namespace {

std::optional<rtnl::MacAddress> optional_mac(const Arg& arg) {
  return arg.absent() ? std::nullopt : std::optional(arg.mac());
}

rtnl::Request add_bridge(const Arg& arg) {
  return rtnl::AddBridge{arg.member("name").string(), optional_mac(arg.member("macAddress")),
                         arg.member("mtuBytes").optional_integer(), arg.member("up").boolean(),
                         arg.member("vlanFiltering").optional(&Arg::boolean).value_or(false)};
}

uint32_t macvlan_mode(const Arg& arg) {
  const std::string name = arg.string();
  for (const MacvlanMode& known : kMacvlanModes) {
    if (name == known.name) return known.mode;
  }
  arg.expected("'bridge', 'private', 'vepa', 'passthru' or 'source'");
}

rtnl::Request add_macvlan(const Arg& arg) {
  return rtnl::AddMacvlan{arg.member("name").string(),
                          arg.member("parent").string(),
                          arg.member("netnsPath").string(),
                          macvlan_mode(arg.member("mode")),
                          arg.member("broadcastLimit").optional(&Arg::signed_integer),
                          optional_mac(arg.member("macAddress")),
                          arg.member("mtuBytes").optional_integer()};
}

uint16_t ipvlan_mode(const Arg& arg) {
  const std::string name = arg.string();
  if (name == "l2") return IPVLAN_MODE_L2;
  if (name == "l3") return IPVLAN_MODE_L3;
  if (name == "l3s") return IPVLAN_MODE_L3S;
  arg.expected("'l2', 'l3' or 'l3s'");
}

rtnl::Request add_ipvlan(const Arg& arg) {
  return rtnl::AddIpvlan{arg.member("name").string(), arg.member("parent").string(), arg.member("netnsPath").string(),
                         ipvlan_mode(arg.member("mode")), arg.member("mtuBytes").optional_integer()};
}

constexpr uint32_t kLastVlan = 4094;

std::optional<uint16_t> optional_vlan(const Arg& arg) {
  if (arg.absent()) return std::nullopt;
  const uint32_t vlan = arg.integer();
  if (vlan < 1 || vlan > kLastVlan) arg.expected("a VLAN from 1 to 4094");
  return static_cast<uint16_t>(vlan);
}

rtnl::Request add_veth(const Arg& arg) {
  return rtnl::AddVeth{arg.member("name").string(),
                       optional_mac(arg.member("macAddress")),
                       arg.member("mtuBytes").optional_integer(),
                       arg.member("peerName").string(),
                       arg.member("peerNetnsPath").string(),
                       optional_mac(arg.member("peerMacAddress")),
                       arg.member("group").optional_integer()};
}

std::optional<uint8_t> address_generation(const Arg& arg) {
  if (arg.absent()) return std::nullopt;
  const std::string mode = arg.string();
  if (mode == "none") return IN6_ADDR_GEN_MODE_NONE;
  if (mode == "eui64") return IN6_ADDR_GEN_MODE_EUI64;
  arg.expected("'none' or 'eui64'");
}

std::map<uint16_t, uint32_t> ipv4_configuration(const Arg& arg) {
  std::map<uint16_t, uint32_t> values;
  if (arg.absent()) return values;
  const auto flag = [&](const char* name, uint16_t id) {
    if (const auto on = arg.member(name).optional(&Arg::boolean)) values[id] = *on ? 1 : 0;
  };
  flag("routeLocalnet", IPV4_DEVCONF_ROUTE_LOCALNET);
  flag("forwarding", IPV4_DEVCONF_FORWARDING);
  flag("arpNotify", IPV4_DEVCONF_ARP_NOTIFY);
  if (const auto mode = arg.member("rpFilter").optional_integer()) values[IPV4_DEVCONF_RP_FILTER] = *mode;
  return values;
}

rtnl::Request set_link(const Arg& arg) {
  return rtnl::SetLink{arg.member("name").string(),
                       arg.member("up").optional(&Arg::boolean),
                       arg.member("master").optional(&Arg::string),
                       optional_mac(arg.member("macAddress")),
                       arg.member("mtuBytes").optional_integer(),
                       arg.member("alias").optional(&Arg::string),
                       arg.member("group").optional_integer(),
                       ipv4_configuration(arg.member("ipv4Configuration")),
                       address_generation(arg.member("ipv6AddressGeneration")),
                       arg.member("hairpin").optional(&Arg::boolean),
                       optional_vlan(arg.member("bridgeVlan"))};
}

rtnl::Request delete_link(const Arg& arg) { return rtnl::DeleteLink{arg.member("name").string()}; }

rtnl::Request add_address(const Arg& arg) {
  return rtnl::AddAddress{arg.member("link").string(), arg.member("address").prefix(), arg.member("noDad").boolean()};
}

rtnl::Request delete_address(const Arg& arg) {
  return rtnl::DeleteAddress{arg.member("link").string(), arg.member("address").prefix()};
}

std::optional<uint8_t> route_type(const Arg& arg) {
  if (arg.absent()) return std::nullopt;
  const std::string name = arg.string();
  for (const RouteType& known : kRouteTypes) {
    if (name == known.name) return known.type;
  }
  arg.expected("'unicast', 'blackhole', 'unreachable' or 'prohibit'");
}

/// Refuses a next hop for a route of a refusing type; IPv4 would silently ignore it.
void require_no_next_hop(const Arg& route) {
  for (const char* member : {"gateway", "link"}) {
    if (!route.member(member).absent()) route.member(member).expected("null for a route that refuses");
  }
}

rtnl::RouteSpec route_spec(const Arg& arg) {
  rtnl::RouteSpec route{arg.member("destination").prefix(), arg.member("gateway").optional(&Arg::ip),
                        arg.member("link").optional(&Arg::string), arg.member("metric").optional_integer(),
                        route_type(arg.member("type"))};
  if (route.type && route.type != RTN_UNICAST) require_no_next_hop(arg);
  const bool mixed = route.gateway && route.gateway->family != route.destination.address.family;
  if (mixed) arg.member("gateway").expected("an address of the destination's family");
  return route;
}

rtnl::Request add_route(const Arg& arg) { return rtnl::AddRoute{route_spec(arg)}; }
rtnl::Request delete_route(const Arg& arg) { return rtnl::DeleteRoute{route_spec(arg)}; }

struct Verb {
  const char* name;
  rtnl::Request (*read)(const Arg&);
};
constexpr Verb kVerbs[] = {{"addBridge", add_bridge},    {"addVeth", add_veth},   {"addMacvlan", add_macvlan},
                           {"addIpvlan", add_ipvlan},    {"setLink", set_link},   {"deleteLink", delete_link},
                           {"addAddress", add_address},  {"addRoute", add_route}, {"deleteAddress", delete_address},
                           {"deleteRoute", delete_route}};

}  // namespace

rtnl::Request read_request(const Arg& arg) {
  const Arg verb = arg.member("verb");
  const std::string name = verb.string();
  for (const Verb& known : kVerbs) {
    if (name == known.name) return known.read(arg);
  }
  verb.expected("a verb of RouteRequest");
}
