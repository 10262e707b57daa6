#pragma once

#include <napi.h>

// Each exports the functions of native/index.d.ts that its file implements.
void export_netns(Napi::Object exports);
void export_route(Napi::Object exports);
void export_nft(Napi::Object exports);
void export_conntrack(Napi::Object exports);
void export_host(Napi::Object exports);
void export_watch(Napi::Object exports);
