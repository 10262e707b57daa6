// Sysctls, held ports, sockets, locked directories.
#include "binding.h"
#include "handle.h"
#include "sys/directory_lock.h"
#include "sys/netns.h"
#include "sys/sysctl.h"

namespace {

/// Runs `work` in the namespace at `path`, or in the current one if it is null.
template <class Work>
auto in_netns_or_here(const Arg& path, const char* op, Work work) {
  return path.absent() ? work() : sys::in_netns(path.string(), op, work);
}

/// Opens the host's own /proc for the host's settings, because it may be read-only on purpose; for those of a
/// container's namespace a fresh one, which is faster.
sys::ProcRoot proc_for(const Arg& netns) { return netns.absent() ? sys::ProcRoot::common() : sys::ProcRoot::fresh(); }

Napi::Value set_sysctl(const Napi::CallbackInfo& info) {
  const Arg netns = argument(info, 0, "setSysctl", "netnsPath");
  const sys::Sysctl wanted{argument(info, 1, "setSysctl", "key").string(),
                           argument(info, 2, "setSysctl", "value").string()};
  const auto former = in_netns_or_here(netns, "set sysctl", [&] { return sys::set_sysctl(proc_for(netns), wanted); });
  return Napi::Boolean::New(info.Env(), former.has_value());
}

Napi::Value set_sysctls(const Napi::CallbackInfo& info) {
  const Arg netns = argument(info, 0, "setSysctls", "netnsPath");
  const auto wanted = read_sysctls(argument(info, 1, "setSysctls", "settings"));
  const auto former = in_netns_or_here(netns, "set sysctl", [&] {
    const sys::ProcRoot proc = proc_for(netns);
    std::vector<std::optional<std::string>> values;
    for (const sys::Sysctl& one : wanted) values.push_back(sys::set_sysctl(proc, one));
    return values;
  });
  return to_js_array(info.Env(), former, [](Napi::Env env, const auto& value) { return or_null(env, value); });
}

Napi::Value get_sysctl(const Napi::CallbackInfo& info) {
  const Arg netns = argument(info, 0, "getSysctl", "netnsPath");
  const std::string key = argument(info, 1, "getSysctl", "key").string();
  return or_null(info.Env(),
                 in_netns_or_here(netns, "get sysctl", [&] { return sys::get_sysctl(proc_for(netns), key); }));
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

Napi::Value open_udp_socket(const Napi::CallbackInfo& info) {
  const auto address = argument(info, 0, "openUdpSocket", "address").ip();
  const auto port = argument(info, 1, "openUdpSocket", "port").integer(UINT16_MAX);
  const auto receive_bytes = argument(info, 2, "openUdpSocket", "receiveBytes").integer(INT32_MAX / 2);
  auto bound = sys::open_udp(address, static_cast<uint16_t>(port), static_cast<int>(receive_bytes));
  return Napi::Number::New(info.Env(), bound.fd.release());
}

Napi::Value open_dhcp_socket(const Napi::CallbackInfo& info) {
  const std::string path = argument(info, 0, "openDhcpSocket", "netnsPath").string();
  const std::string link = argument(info, 1, "openDhcpSocket", "link").string();
  const auto transaction = argument(info, 2, "openDhcpSocket", "transaction").integer();
  return DhcpSocket::make(info.Env(), std::make_shared<sys::DhcpSocket>(path, link, transaction));
}

Napi::Value send_dhcp(const Napi::CallbackInfo& info) {
  const auto socket = DhcpSocket::of(argument(info, 0, "sendDhcp", "socket"));
  const Arg message = argument(info, 1, "sendDhcp", "datagram");
  socket->send(message.member("source").ip(), message.member("destination").ip(),
               message.member("destinationMac").mac(), message.member("payload").bytes());
  return info.Env().Undefined();
}

Napi::Value lock_directory(const Napi::CallbackInfo& info) {
  sys::UniqueFd fd = sys::lock_directory(argument(info, 0, "lockDirectory", "path").string());
  return fd ? Napi::Number::New(info.Env(), fd.release()) : info.Env().Null();
}

}  // namespace

void export_host(Napi::Object exports) {
  HeldPort::define(exports);
  DhcpSocket::define(exports);
  export_function<set_sysctl>(exports, "setSysctl");
  export_function<set_sysctls>(exports, "setSysctls");
  export_function<get_sysctl>(exports, "getSysctl");
  export_function<hold_port>(exports, "holdPort");
  export_function<open_udp_socket>(exports, "openUdpSocket");
  export_function<open_dhcp_socket>(exports, "openDhcpSocket");
  export_function<send_dhcp>(exports, "sendDhcp");
  export_function<lock_directory>(exports, "lockDirectory");
}
