// Sysctls and held ports.
#include "binding.h"
#include "handle.h"
#include "sys/netns.h"
#include "sys/sysctl.h"

namespace {

/// Runs `work` in the namespace that `path` names, or right here when it is null.
template <class Work>
auto in_netns_or_here(const Arg& path, const char* op, Work work) {
  return path.absent() ? work() : sys::in_netns(path.string(), op, work);
}

Napi::Value set_sysctl(const Napi::CallbackInfo& info) {
  const Arg netns = argument(info, 0, "setSysctl", "netnsPath");
  const std::string key = argument(info, 1, "setSysctl", "key").string();
  const std::string value = argument(info, 2, "setSysctl", "value").string();
  const bool written = in_netns_or_here(netns, "set sysctl", [&] { return sys::set_sysctl(key, value); });
  return Napi::Boolean::New(info.Env(), written);
}

Napi::Value get_sysctl(const Napi::CallbackInfo& info) {
  const Arg netns = argument(info, 0, "getSysctl", "netnsPath");
  const std::string key = argument(info, 1, "getSysctl", "key").string();
  return or_null(info.Env(), in_netns_or_here(netns, "get sysctl", [&] { return sys::get_sysctl(key); }));
}

sys::Transport transport(const Arg& arg) {
  const std::string name = arg.string();
  if (name == "tcp") return sys::Transport::tcp;
  if (name == "udp") return sys::Transport::udp;
  if (name == "sctp") return sys::Transport::sctp;
  arg.expected("'tcp', 'udp' or 'sctp'");
}

Napi::Value hold_port(const Napi::CallbackInfo& info) {
  const auto protocol = transport(argument(info, 0, "holdPort", "protocol"));
  const auto address = argument(info, 1, "holdPort", "address").ip();
  const auto port = argument(info, 2, "holdPort", "port").integer(UINT16_MAX);
  return HeldPort::make(info.Env(), sys::hold_port(protocol, address, static_cast<uint16_t>(port)));
}

}  // namespace

void export_host(Napi::Object exports) {
  HeldPort::define(exports);
  export_function<set_sysctl>(exports, "setSysctl");
  export_function<get_sysctl>(exports, "getSysctl");
  export_function<hold_port>(exports, "holdPort");
}
