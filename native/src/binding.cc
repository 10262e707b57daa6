#include "binding.h"

#include "handle.h"

// Runs once in every thread that loads the addon.
static Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Addon);
  export_netns(exports);
  export_route(exports);
  export_nft(exports);
  export_conntrack(exports);
  export_host(exports);
  export_watch(exports);
  return exports;
}

NODE_API_MODULE(netloom, init)
