#pragma once

#include "convert.h"
#include "nft/element.h"

/// An NftChange of native/index.d.ts.
nft::Change read_change(const Arg& arg);

/// An NftFamily; absent: inet.
nft::Family read_family(const Arg& arg);
Napi::Value to_js(Napi::Env env, nft::Family family);

/// An NftElement.
nft::Element read_element(const Arg& arg);
Napi::Value to_js_element(Napi::Env env, const nft::Element& element);
/// A ListedElement.
Napi::Value to_js_listed_element(Napi::Env env, const nft::Element& element);
