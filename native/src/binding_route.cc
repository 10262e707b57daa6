#include "binding.h"
#include "convert_route.h"
#include "handle.h"
#include "rtnl/batch.h"
#include "rtnl/netns.h"

namespace {

nl::Socket& socket_of(const Napi::CallbackInfo& info, const char* function) {
  return RouteSocket::of(argument(info, 0, function, "socket"));
}

template <class Info>
Napi::Value info_to_js(Napi::Env env, const Info& info) {
  return to_js(env, info);
}

Napi::Value open_route_socket(const Napi::CallbackInfo& info) {
  const auto path = argument(info, 0, "openRouteSocket", "netnsPath").optional(&Arg::string);
  return RouteSocket::make(info.Env(), rtnl::open_route_socket(path.value_or("")));
}

Napi::Value route(const Napi::CallbackInfo& info) {
  nl::Socket& socket = socket_of(info, "route");
  std::vector<rtnl::Request> requests;  // all are parsed before any is performed
  for (const Arg& item : Arg(info[1], "route").items()) requests.push_back(read_request(item));
  return to_js_array(info.Env(), rtnl::Batch(socket).run(requests), info_to_js<nl::Fault>);
}

Napi::Value list_links(const Napi::CallbackInfo& info) {
  return to_js_array(info.Env(), rtnl::list_links(socket_of(info, "listLinks")), info_to_js<rtnl::LinkInfo>);
}

Napi::Value list_bridge_settings(const Napi::CallbackInfo& info) {
  const auto bridges = rtnl::list_bridges(socket_of(info, "listBridgeSettings"));
  return to_js_array(info.Env(), bridges, settings_to_js);
}

Napi::Value link_by_name(const Napi::CallbackInfo& info) {
  nl::Socket& socket = socket_of(info, "linkByName");
  const auto link = rtnl::link_by_name(socket, argument(info, 1, "linkByName", "name").string());
  return link ? to_js(info.Env(), *link) : info.Env().Null();
}

Napi::Value link_name(const Napi::CallbackInfo& info) {
  nl::Socket& socket = socket_of(info, "linkName");
  const auto name = rtnl::link_name(socket, argument(info, 1, "linkName", "index").integer());
  return name ? Napi::Value::From(info.Env(), *name) : info.Env().Null();
}

Napi::Value list_addresses(const Napi::CallbackInfo& info) {
  const auto addresses = rtnl::list_addresses(socket_of(info, "listAddresses"));
  return to_js_array(info.Env(), addresses, info_to_js<rtnl::AddressInfo>);
}

Napi::Value list_routes(const Napi::CallbackInfo& info) {
  return to_js_array(info.Env(), rtnl::list_routes(socket_of(info, "listRoutes")), info_to_js<rtnl::RouteInfo>);
}

Napi::Value source_address_for(const Napi::CallbackInfo& info) {
  nl::Socket& socket = socket_of(info, "sourceAddressFor");
  const auto way = rtnl::way_to(socket, argument(info, 1, "sourceAddressFor", "address").ip());
  return string_or_null(info.Env(), way && way->source ? way->source->text() : "");
}

Napi::Value link_towards(const Napi::CallbackInfo& info) {
  nl::Socket& socket = socket_of(info, "linkTowards");
  const auto way = rtnl::way_to(socket, argument(info, 1, "linkTowards", "address").ip());
  return or_null(info.Env(), way ? way->link_index : std::nullopt);
}

Napi::Value is_local_address(const Napi::CallbackInfo& info) {
  nl::Socket& socket = socket_of(info, "isLocalAddress");
  const auto way = rtnl::way_to(socket, argument(info, 1, "isLocalAddress", "address").ip());
  return Napi::Boolean::New(info.Env(), way && way->local);
}

Napi::Value netns_id_of(const Napi::CallbackInfo& info) {
  nl::Socket& socket = socket_of(info, "netnsIdOf");
  return or_null(info.Env(), rtnl::netns_id_of(socket, argument(info, 1, "netnsIdOf", "path").string()));
}

Napi::Value assign_netns_id(const Napi::CallbackInfo& info) {
  nl::Socket& socket = socket_of(info, "assignNetnsId");
  const uint32_t number = rtnl::assign_netns_id(socket, argument(info, 1, "assignNetnsId", "path").string());
  return Napi::Number::New(info.Env(), number);
}

}  // namespace

void export_route(Napi::Object exports) {
  RouteSocket::define(exports);
  export_function<open_route_socket>(exports, "openRouteSocket");
  export_function<route>(exports, "route");
  export_function<list_links>(exports, "listLinks");
  export_function<list_bridge_settings>(exports, "listBridgeSettings");
  export_function<link_by_name>(exports, "linkByName");
  export_function<link_name>(exports, "linkName");
  export_function<list_addresses>(exports, "listAddresses");
  export_function<list_routes>(exports, "listRoutes");
  export_function<source_address_for>(exports, "sourceAddressFor");
  export_function<link_towards>(exports, "linkTowards");
  export_function<is_local_address>(exports, "isLocalAddress");
  export_function<netns_id_of>(exports, "netnsIdOf");
  export_function<assign_netns_id>(exports, "assignNetnsId");
}
