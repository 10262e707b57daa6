#include <linux/netconf.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>

#include "binding.h"
#include "convert_nft.h"
#include "convert_route.h"
#include "handle.h"
#include "nft/notice.h"
#include "open_watch.h"
#include "rtnl/notice.h"
#include "sys/pidfd.h"

/// A reference to a watch. As with timers, garbage collection of this object does not end the watch.
class Watch : public Handle<Watch, std::weak_ptr<OpenWatch>> {
 public:
  static constexpr char kName[] = "Watch";
  using Handle::Handle;

  static std::vector<Napi::ClassPropertyDescriptor<Watch>> properties() {
    return {InstanceMethod<&Watch::close>("close"), InstanceMethod<&Watch::unref>("unref"),
            InstanceMethod<&Watch::pause>("pause"), InstanceMethod<&Watch::resume>("resume")};
  }

 private:
  void close(const Napi::CallbackInfo&) {
    if (const auto watch = content_->lock()) watch->close();
  }
  void unref(const Napi::CallbackInfo&) {
    if (const auto watch = content_->lock()) watch->unref();
  }
  void pause(const Napi::CallbackInfo&) {
    if (const auto watch = content_->lock()) watch->pause();
  }
  void resume(const Napi::CallbackInfo&) {
    if (const auto watch = content_->lock()) watch->resume();
  }
};

namespace {

// Most datagrams per callback, so that the loop's other work is not delayed.
constexpr int kDatagramsPerTurn = 64;

/// The queued notices; `overrun`: the kernel dropped some.
template <class Notice>
struct Backlog {
  std::vector<Notice> notices;
  bool overrun = false;
};

/// `parse` appends the notices in a message.
template <class Notice, class Parse>
Backlog<Notice> read_backlog(nl::Socket& socket, Parse parse) {
  Backlog<Notice> backlog;
  const auto visit = [&](const nlmsghdr& message) { parse(message, backlog.notices); };
  try {
    for (int i = 0; i < kDatagramsPerTurn && socket.receive("watch", visit); ++i) continue;
  } catch (const sys::SysError& error) {
    if (error.error() != ENOBUFS) throw;
    backlog.overrun = true;
  }
  return backlog;
}

Napi::Object kind(Napi::Env env, const std::string& name) {
  auto object = Napi::Object::New(env);
  object.Set("kind", name);
  return object;
}

/// Watches a multicast socket, and passes the parsed notices in one array.
template <class Notice, class Parse, class Convert>
Napi::Value watch_notices(const Napi::Function& callback, const std::shared_ptr<nl::Socket>& socket, Parse parse,
                          Convert convert) {
  const auto read = [socket, parse, convert](OpenWatch& watch) -> std::optional<std::vector<napi_value>> {
    const auto backlog = read_backlog<Notice>(*socket, parse);
    auto array = to_js_array(watch.env(), backlog.notices, convert);
    if (backlog.overrun) array.Set(array.Length(), kind(watch.env(), "overrun"));
    if (array.Length() == 0) return std::nullopt;
    return std::vector<napi_value>{array};
  };
  return Watch::make(callback.Env(), OpenWatch::open(callback, socket->fd(), socket, read));
}

Napi::Object notice_to_js(Napi::Env env, bool gone, const rtnl::LinkInfo& link) {
  auto object = kind(env, gone ? "link.deleted" : "link.changed");
  object.Set("name", link.name);
  object.Set("index", link.index);
  object.Set("up", link.up);
  object.Set("wentDown", link.went_down);
  object.Set("masterIndex", or_null(env, link.master));
  object.Set("alias", string_or_null(env, link.alias));
  object.Set("group", link.group);
  object.Set("linkKind", string_or_null(env, link.kind));
  object.Set("mtuBytes", link.mtu);
  return object;
}

Napi::Object notice_to_js(Napi::Env env, bool gone, const rtnl::AddressInfo& address) {
  auto object = kind(env, gone ? "address.deleted" : "address.added");
  object.Set("linkIndex", address.link_index);
  object.Set("address", address.address.text());
  return object;
}

Napi::Object notice_to_js(Napi::Env env, bool gone, const rtnl::RouteInfo& route) {
  auto object = kind(env, gone ? "route.deleted" : "route.added");
  object.Set("route", to_js(env, route));
  return object;
}

/// Converts the index of an RTM_NEWNETCONF, which is negative for all links and for future links.
Napi::Value netconf_place_to_js(Napi::Env env, int32_t link_index) {
  if (link_index == NETCONFA_IFINDEX_ALL) return Napi::String::New(env, "all");
  if (link_index == NETCONFA_IFINDEX_DEFAULT) return Napi::String::New(env, "default");
  return Napi::Number::New(env, link_index);
}

Napi::Object notice_to_js(Napi::Env env, bool, const rtnl::NetconfInfo& netconf) {
  auto object = kind(env, "netconf.changed");
  object.Set("family", netconf.family == AF_INET ? 4 : 6);
  object.Set("linkIndex", netconf_place_to_js(env, netconf.link_index));
  object.Set("forwarding",
             netconf.forwarding ? Napi::Value(Napi::Boolean::New(env, *netconf.forwarding != 0)) : env.Null());
  object.Set("rpFilter", or_null(env, netconf.rp_filter));
  return object;
}

Napi::Object notice_to_js(Napi::Env env, bool, const rtnl::EndedNetns& netns) {
  auto object = kind(env, "netns.ended");
  object.Set("number", netns.number);
  return object;
}

Napi::Value route_notice_to_js(Napi::Env env, const rtnl::Notice& notice) {
  auto object = std::visit([&](const auto& what) { return notice_to_js(env, notice.gone, what); }, notice.what);
  object.Set("netnsId", or_null(env, notice.netns_id));
  return object;
}

Napi::Value nft_notice_to_js(Napi::Env env, const nft::Notice& notice) {
  constexpr const char* subjects[] = {"table", "chain", "rule", "set", "element"};
  auto object =
      kind(env, std::string(subjects[static_cast<int>(notice.subject)]) + (notice.gone ? ".deleted" : ".added"));
  object.Set("family", to_js(env, notice.family));
  object.Set("table", notice.table);
  object.Set("name", string_or_null(env, notice.name));
  if (notice.element) object.Set("element", to_js_element(env, *notice.element));
  return object;
}

Napi::Value watch_routes(const Napi::CallbackInfo& info) {
  const Arg groups = argument(info, 0, "watchRoutes", "groups");
  const rtnl::Groups wanted{groups.member("links").boolean(), groups.member("addresses").boolean(),
                            groups.member("routes").boolean(),
                            groups.member("settings").optional(&Arg::boolean).value_or(false),
                            groups.member("namespaces").optional(&Arg::boolean).value_or(false)};
  const bool all_namespaces = groups.member("allNamespaces").optional(&Arg::boolean).value_or(false);
  const bool deletions_only = groups.member("deletionsOnly").optional(&Arg::boolean).value_or(false);
  const auto callback = argument(info, 1, "watchRoutes", "callback").function();
  const auto socket = std::make_shared<nl::Socket>(NETLINK_ROUTE, rtnl::group_numbers(wanted));
  if (all_namespaces) socket->hear_all_namespaces();
  if (deletions_only) socket->hear_deletions_only();
  // The socket outlives the parser: the watch releases both together.
  const auto parse = [source = socket.get()](const nlmsghdr& message, std::vector<rtnl::Notice>& notices) {
    if (auto notice = rtnl::parse_notice(message, source->origin())) notices.push_back(std::move(*notice));
  };
  return watch_notices<rtnl::Notice>(callback, socket, parse, route_notice_to_js);
}

Napi::Value watch_nft(const Napi::CallbackInfo& info) {
  const auto callback = argument(info, 0, "watchNft", "callback").function();
  const auto socket = std::make_shared<nl::Socket>(NETLINK_NETFILTER, std::vector<int>{NFNLGRP_NFTABLES});
  const auto parse = [](const nlmsghdr& message, std::vector<nft::Notice>& notices) {
    for (nft::Notice& notice : nft::parse_notices(message)) notices.push_back(std::move(notice));
  };
  return watch_notices<nft::Notice>(callback, socket, parse, nft_notice_to_js);
}

Napi::Value watch_process(const Napi::CallbackInfo& info) {
  const uint32_t pid = argument(info, 0, "watchProcess", "pid").integer(INT32_MAX);
  const auto callback = argument(info, 1, "watchProcess", "callback").function();
  const auto pidfd = std::make_shared<sys::UniqueFd>(sys::open_pidfd(static_cast<pid_t>(pid), "watch process"));
  const auto ended = [](OpenWatch& watch) {
    watch.close();
    return std::optional(std::vector<napi_value>());
  };
  return Watch::make(info.Env(), OpenWatch::open(callback, pidfd->get(), pidfd, ended));
}

/// Most datagrams per callback, so that an endless sender does not block the loop's other work.
constexpr int kDhcpPerTurn = 32;

std::string mac_text(const sys::MacAddress& mac) {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
  return text;
}

Napi::Value dhcp_to_js(Napi::Env env, const sys::DhcpDatagram& datagram) {
  auto object = Napi::Object::New(env);
  object.Set("source", datagram.source.text());
  object.Set("sourceMac", mac_text(datagram.source_mac));
  auto payload = Napi::Uint8Array::New(env, datagram.payload.size());
  std::copy(datagram.payload.begin(), datagram.payload.end(), payload.Data());
  object.Set("payload", payload);
  return object;
}

Napi::Value watch_dhcp(const Napi::CallbackInfo& info) {
  const auto socket = DhcpSocket::of(argument(info, 0, "watchDhcp", "socket"));
  const auto callback = argument(info, 1, "watchDhcp", "callback").function();
  const auto read = [socket](OpenWatch& watch) -> std::optional<std::vector<napi_value>> {
    std::vector<sys::DhcpDatagram> datagrams;
    socket->receive(datagrams, kDhcpPerTurn);
    if (datagrams.empty()) return std::nullopt;
    return std::vector<napi_value>{to_js_array(watch.env(), datagrams, dhcp_to_js)};
  };
  return Watch::make(info.Env(), OpenWatch::open(callback, socket->fd(), socket, read));
}

}  // namespace

void export_watch(Napi::Object exports) {
  Watch::define(exports);
  export_function<watch_routes>(exports, "watchRoutes");
  export_function<watch_nft>(exports, "watchNft");
  export_function<watch_process>(exports, "watchProcess");
  export_function<watch_dhcp>(exports, "watchDhcp");
}
