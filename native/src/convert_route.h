#pragma once

#include "convert.h"
#include "rtnl/addresses.h"
#include "rtnl/links.h"
#include "rtnl/request.h"
#include "rtnl/routes.h"

/// A RouteRequest of native/index.d.ts.
rtnl::Request read_request(const Arg& arg);

Napi::Value to_js(Napi::Env env, const rtnl::LinkInfo& link);
Napi::Value to_js(Napi::Env env, const rtnl::AddressInfo& address);
Napi::Value to_js(Napi::Env env, const rtnl::RouteInfo& route);
