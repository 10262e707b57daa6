#include "binding.h"
#include "handle.h"
#include "rtnl/netns.h"
#include "rtnl/netns_ahead.h"
#include "sys/announce.h"
#include "sys/pin.h"

namespace {

Napi::Value to_js(Napi::Env env, const sys::NetnsIdentity& identity) {
  auto object = Napi::Object::New(env);
  object.Set("inode", static_cast<double>(identity.inode));
  object.Set("device", static_cast<double>(identity.device));
  return object;
}

Napi::Value to_js(Napi::Env env, rtnl::PinnedNetns netns) {
  auto object = Napi::Object::New(env);
  object.Set("identity", to_js(env, netns.identity));
  object.Set("socket", RouteSocket::make(env, std::move(netns.socket)));
  return object;
}

Napi::Value create_netns(const Napi::CallbackInfo& info) {
  const std::string path = argument(info, 0, "createNetns", "path").string();
  return to_js(info.Env(), rtnl::create_netns(path, read_sysctls(argument(info, 1, "createNetns", "settings"))));
}

Napi::Value begin_netns(const Napi::CallbackInfo& info) {
  const std::string path = argument(info, 0, "beginNetns", "path").string();
  rtnl::begin_netns(path, read_sysctls(argument(info, 1, "beginNetns", "settings")));
  return info.Env().Undefined();
}

Napi::Value adopt_netns(const Napi::CallbackInfo& info) {
  const uint32_t pid = argument(info, 0, "adoptNetns", "pid").integer(INT32_MAX);
  return to_js(info.Env(),
               rtnl::adopt_netns(static_cast<pid_t>(pid), argument(info, 1, "adoptNetns", "path").string()));
}

Napi::Value netns_identity(const Napi::CallbackInfo& info) {
  const auto identity = sys::netns_identity(argument(info, 0, "netnsIdentity", "path").string());
  return identity ? to_js(info.Env(), *identity) : info.Env().Null();
}

Napi::Value current_netns_identity(const Napi::CallbackInfo& info) {
  return to_js(info.Env(), sys::own_netns_identity());
}

Napi::Value share_netns_directory(const Napi::CallbackInfo& info) {
  sys::share_directory(argument(info, 0, "shareNetnsDirectory", "path").string(), "share netns directory");
  return info.Env().Undefined();
}

Napi::Value remove_netns(const Napi::CallbackInfo& info) {
  const std::string path = argument(info, 0, "removeNetns", "path").string();
  return Napi::Boolean::New(info.Env(), sys::unpin_netns(path, "remove netns"));
}

Napi::Value announce_addresses(const Napi::CallbackInfo& info) {
  const char* function = "announceAddresses";
  std::vector<sys::IpAddress> addresses;
  for (const Arg& item : argument(info, 2, function, "addresses").items()) addresses.push_back(item.ip());
  sys::announce_addresses(argument(info, 0, function, "netnsPath").string(),
                          argument(info, 1, function, "link").string(), addresses);
  return info.Env().Undefined();
}

Napi::Value enter_netns(const Napi::CallbackInfo& info) {
  sys::enter_netns(argument(info, 0, "enterNetns", "path").string(), "enter netns");
  return info.Env().Undefined();
}

Napi::Value enter_fresh_netns(const Napi::CallbackInfo& info) {
  sys::unshare_netns("enter fresh netns");
  sys::bring_loopback_up("enter fresh netns");
  return info.Env().Undefined();
}

}  // namespace

void export_netns(Napi::Object exports) {
  export_function<create_netns>(exports, "createNetns");
  export_function<begin_netns>(exports, "beginNetns");
  export_function<adopt_netns>(exports, "adoptNetns");
  export_function<netns_identity>(exports, "netnsIdentity");
  export_function<current_netns_identity>(exports, "currentNetnsIdentity");
  export_function<share_netns_directory>(exports, "shareNetnsDirectory");
  export_function<remove_netns>(exports, "removeNetns");
  export_function<announce_addresses>(exports, "announceAddresses");
  export_function<enter_netns>(exports, "enterNetns");
  export_function<enter_fresh_netns>(exports, "enterFreshNetns");
}
