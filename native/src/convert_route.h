#pragma once

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "convert.h"
#include "rtnl/addresses.h"
#include "rtnl/links.h"
#include "rtnl/request.h"
#include "rtnl/routes.h"

struct MacvlanMode {
  const char* name;
  uint32_t mode;
};
constexpr MacvlanMode kMacvlanModes[] = {{"bridge", MACVLAN_MODE_BRIDGE},
                                         {"private", MACVLAN_MODE_PRIVATE},
                                         {"vepa", MACVLAN_MODE_VEPA},
                                         {"passthru", MACVLAN_MODE_PASSTHRU},
                                         {"source", MACVLAN_MODE_SOURCE}};

struct RouteType {
  const char* name;
  uint8_t type;
};
constexpr RouteType kRouteTypes[] = {{"unicast", RTN_UNICAST},
                                     {"blackhole", RTN_BLACKHOLE},
                                     {"unreachable", RTN_UNREACHABLE},
                                     {"prohibit", RTN_PROHIBIT}};

/// Parses a RouteRequest of native/index.d.ts.
rtnl::Request read_request(const Arg& arg);

Napi::Value to_js(Napi::Env env, const rtnl::LinkInfo& link);
/// Converts only the settings that the kernel changes without a notice.
Napi::Value settings_to_js(Napi::Env env, const rtnl::LinkInfo& link);
Napi::Value to_js(Napi::Env env, const rtnl::AddressInfo& address);
Napi::Value to_js(Napi::Env env, const rtnl::RouteInfo& route);
