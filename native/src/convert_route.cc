#include "convert_route.h"

#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>

Napi::Value to_js(Napi::Env env, const rtnl_link_stats64& statistics) {
  auto object = Napi::Object::New(env);
  object.Set("rxBytes", static_cast<double>(statistics.rx_bytes));
  object.Set("txBytes", static_cast<double>(statistics.tx_bytes));
  object.Set("rxPackets", static_cast<double>(statistics.rx_packets));
  object.Set("txPackets", static_cast<double>(statistics.tx_packets));
  object.Set("rxErrors", static_cast<double>(statistics.rx_errors));
  object.Set("txErrors", static_cast<double>(statistics.tx_errors));
  object.Set("rxDropped", static_cast<double>(statistics.rx_dropped));
  object.Set("txDropped", static_cast<double>(statistics.tx_dropped));
  return object;
}

static Napi::Value address_generation(Napi::Env env, const std::optional<uint8_t>& mode) {
  if (mode == IN6_ADDR_GEN_MODE_NONE) return Napi::String::New(env, "none");
  if (mode == IN6_ADDR_GEN_MODE_EUI64) return Napi::String::New(env, "eui64");
  return env.Null();
}

static Napi::Value macvlan_mode(Napi::Env env, const std::optional<uint32_t>& mode) {
  if (!mode) return env.Null();
  for (const MacvlanMode& known : kMacvlanModes) {
    if (known.mode == *mode) return Napi::String::New(env, known.name);
  }
  return env.Null();
}

static Napi::Value ipv4_configuration(Napi::Env env, const std::vector<uint32_t>& values) {
  if (values.empty()) return env.Null();
  const auto value = [&](size_t id) { return id <= values.size() ? values[id - 1] : 0; };
  auto object = Napi::Object::New(env);
  object.Set("routeLocalnet", value(IPV4_DEVCONF_ROUTE_LOCALNET) != 0);
  object.Set("forwarding", value(IPV4_DEVCONF_FORWARDING) != 0);
  object.Set("arpNotify", value(IPV4_DEVCONF_ARP_NOTIFY) != 0);
  object.Set("rpFilter", value(IPV4_DEVCONF_RP_FILTER));
  return object;
}

static Napi::Value ipv6_configuration(Napi::Env env, const std::vector<int32_t>& values) {
  if (values.empty()) return env.Null();
  const auto value = [&](size_t id) { return id < values.size() ? values[id] : 0; };
  auto object = Napi::Object::New(env);
  object.Set("forwarding", value(DEVCONF_FORWARDING) != 0);
  object.Set("acceptRa", value(DEVCONF_ACCEPT_RA));
  object.Set("autoconf", value(DEVCONF_AUTOCONF) != 0);
  object.Set("acceptDad", value(DEVCONF_ACCEPT_DAD));
  object.Set("disableIpv6", value(DEVCONF_DISABLE_IPV6) != 0);
  return object;
}

Napi::Value to_js(Napi::Env env, const rtnl::LinkInfo& link) {
  auto object = Napi::Object::New(env);
  object.Set("index", link.index);
  object.Set("name", link.name);
  object.Set("kind", string_or_null(env, link.kind));
  object.Set("macAddress", string_or_null(env, link.mac));
  object.Set("mtuBytes", link.mtu);
  object.Set("up", link.up);
  object.Set("loopback", link.loopback);
  object.Set("masterIndex", or_null(env, link.master));
  object.Set("peerIndex", or_null(env, link.peer));
  object.Set("parentIndex", or_null(env, link.parent));
  object.Set("peerNetnsId", or_null(env, link.other_netns));
  object.Set("vlanFiltering", or_null(env, link.vlan_filtering));
  object.Set("macvlanMode", macvlan_mode(env, link.macvlan_mode));
  object.Set("broadcastLimit", or_null(env, link.broadcast_limit));
  object.Set("alias", string_or_null(env, link.alias));
  object.Set("group", Napi::Number::New(env, link.group));
  object.Set("hairpin", or_null(env, link.hairpin));
  object.Set("ipv6AddressGeneration", address_generation(env, link.ipv6_address_generation));
  object.Set("ipv4Configuration", ipv4_configuration(env, link.ipv4));
  object.Set("ipv6Configuration", ipv6_configuration(env, link.ipv6));
  object.Set("statistics", to_js(env, link.statistics));
  return object;
}

static const char* scope_name(uint8_t scope) {
  switch (scope) {
    case RT_SCOPE_UNIVERSE:
      return "global";
    case RT_SCOPE_LINK:
      return "link";
    case RT_SCOPE_HOST:
      return "host";
    default:
      return "other";
  }
}

Napi::Value settings_to_js(Napi::Env env, const rtnl::LinkInfo& link) {
  auto object = Napi::Object::New(env);
  object.Set("index", link.index);
  object.Set("ipv4Configuration", ipv4_configuration(env, link.ipv4));
  object.Set("ipv6Configuration", ipv6_configuration(env, link.ipv6));
  return object;
}

Napi::Value to_js(Napi::Env env, const rtnl::AddressInfo& address) {
  auto object = Napi::Object::New(env);
  object.Set("linkIndex", address.link_index);
  object.Set("address", address.address.text());
  object.Set("scope", scope_name(address.scope));
  return object;
}

static Napi::Value text_or_null(Napi::Env env, const std::optional<sys::IpAddress>& address) {
  return address ? Napi::Value(Napi::String::New(env, address->text())) : env.Null();
}

static Napi::Value route_type(Napi::Env env, uint8_t type) {
  for (const RouteType& known : kRouteTypes) {
    if (known.type == type) return Napi::String::New(env, known.name);
  }
  return Napi::String::New(env, "other");
}

Napi::Value to_js(Napi::Env env, const rtnl::RouteInfo& route) {
  auto object = Napi::Object::New(env);
  object.Set("destination", route.destination.text());
  object.Set("gateway", text_or_null(env, route.gateway));
  object.Set("linkIndex", or_null(env, route.link_index));
  object.Set("metric", or_null(env, route.metric));
  object.Set("type", route_type(env, route.type));
  object.Set("source", text_or_null(env, route.source));
  object.Set("connected", route.connected);
  return object;
}
