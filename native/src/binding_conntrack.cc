#include <netinet/in.h>

#include "binding.h"
#include "conntrack/conntrack.h"
#include "handle.h"

namespace {

uint8_t protocol(const Arg& arg) {
  const std::string name = arg.string();
  if (name == "tcp") return IPPROTO_TCP;
  if (name == "udp") return IPPROTO_UDP;
  if (name == "sctp") return IPPROTO_SCTP;
  arg.expected("'tcp', 'udp' or 'sctp'");
}

int family(const Arg& arg) {
  const uint32_t version = arg.integer();
  if (version != 4 && version != 6) arg.expected("4 or 6");
  return version == 4 ? AF_INET : AF_INET6;
}

conntrack::Selection selection(const Arg& arg) {
  const conntrack::Selection read{protocol(arg.member("protocol")), family(arg.member("family")),
                                  arg.member("destination").optional(&Arg::ip),
                                  static_cast<uint16_t>(arg.member("firstPort").integer(UINT16_MAX)),
                                  static_cast<uint16_t>(arg.member("lastPort").integer(UINT16_MAX))};
  const bool mixed = read.destination && read.destination->family != read.family;
  if (read.last_port < read.first_port) arg.member("lastPort").expected("at least firstPort");
  if (mixed) arg.member("destination").expected("an address of that family");
  return read;
}

Napi::Value delete_conntrack(const Napi::CallbackInfo& info) {
  nl::Socket& socket = NftSocket::of(argument(info, 0, "deleteConntrack", "socket"));
  std::vector<conntrack::Selection> selections;
  for (const Arg& item : Arg(info[1], "deleteConntrack").items()) selections.push_back(selection(item));
  return Napi::Number::New(info.Env(), conntrack::delete_connections(socket, selections));
}

}  // namespace

void export_conntrack(Napi::Object exports) { export_function<delete_conntrack>(exports, "deleteConntrack"); }
