#include "convert_route.h"

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
  object.Set("alias", string_or_null(env, link.alias));
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

Napi::Value to_js(Napi::Env env, const rtnl::RouteInfo& route) {
  auto object = Napi::Object::New(env);
  object.Set("destination", route.destination.text());
  object.Set("gateway", text_or_null(env, route.gateway));
  object.Set("linkIndex", or_null(env, route.link_index));
  object.Set("metric", or_null(env, route.metric));
  object.Set("source", text_or_null(env, route.source));
  return object;
}
