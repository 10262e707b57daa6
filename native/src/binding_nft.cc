#include <linux/netlink.h>

#include "binding.h"
#include "convert_nft.h"
#include "handle.h"
#include "nft/ruleset.h"
#include "nft/table.h"

namespace {

nl::Socket& socket_of(const Napi::CallbackInfo& info, const char* function) {
  return NftSocket::of(argument(info, 0, function, "socket"));
}

/// Reads a table from two arguments, its name and its family.
nft::Table table_of(const Napi::CallbackInfo& info, const char* function, size_t family) {
  return {read_family(argument(info, family, function, "family")), argument(info, 1, function, "table").string()};
}

Napi::Value load_ruleset(const Napi::CallbackInfo& info) {
  nft::load_ruleset(argument(info, 0, "loadRuleset", "text").string());
  return info.Env().Undefined();
}

Napi::Value open_nft_socket(const Napi::CallbackInfo& info) {
  return NftSocket::make(info.Env(), nl::Socket(NETLINK_NETFILTER));
}

Napi::Value change_elements(const Napi::CallbackInfo& info) {
  nl::Socket& socket = socket_of(info, "changeElements");
  const std::string table = argument(info, 1, "changeElements", "table").string();
  std::vector<nft::Change> changes;
  for (const Arg& item : Arg(info[2], "changeElements").items()) changes.push_back(read_change(item));
  const auto faults = nft::change_elements(socket, table, changes);
  return to_js_array(info.Env(), faults, [](Napi::Env env, const nl::Fault& fault) { return to_js(env, fault); });
}

Napi::Value list_elements(const Napi::CallbackInfo& info) {
  nl::Socket& socket = socket_of(info, "listElements");
  const nft::Table table = table_of(info, "listElements", 3);
  const std::string set = argument(info, 2, "listElements", "set").string();
  return to_js_array(info.Env(), nft::list_elements(socket, table, set), to_js_listed_element);
}

Napi::Value has_elements(const Napi::CallbackInfo& info) {
  nl::Socket& socket = socket_of(info, "hasElements");
  const std::string table = argument(info, 1, "hasElements", "table").string();
  std::vector<bool> found;
  for (const Arg& item : Arg(info[2], "hasElements").items())
    found.push_back(nft::has_element(socket, table, read_element(item)));
  return to_js_array(info.Env(), found, [](Napi::Env env, bool one) { return Napi::Boolean::New(env, one); });
}

Napi::Value list_tables(const Napi::CallbackInfo& info) {
  nl::Socket& socket = socket_of(info, "listTables");
  const auto tables = nft::list_tables(socket, read_family(argument(info, 1, "listTables", "family")));
  return to_js_array(info.Env(), tables, Napi::Value::From<std::string>);
}

Napi::Value to_js(Napi::Env env, const nft::TableContents& contents) {
  auto chains = Napi::Array::New(env);
  for (const auto& [name, rules] : contents.chains) {
    auto chain = Napi::Object::New(env);
    chain.Set("name", name);
    chain.Set("rules", rules);
    chains.Set(chains.Length(), chain);
  }
  auto object = Napi::Object::New(env);
  object.Set("chains", chains);
  object.Set("sets", to_js_array(env, contents.sets, Napi::Value::From<std::string>));
  return object;
}

Napi::Value inspect_table(const Napi::CallbackInfo& info) {
  nl::Socket& socket = socket_of(info, "inspectTable");
  const auto contents = nft::inspect_table(socket, table_of(info, "inspectTable", 2));
  return contents ? to_js(info.Env(), *contents) : info.Env().Null();
}

Napi::Value delete_table(const Napi::CallbackInfo& info) {
  nl::Socket& socket = socket_of(info, "deleteTable");
  const bool deleted = nft::delete_table(socket, table_of(info, "deleteTable", 2));
  return Napi::Boolean::New(info.Env(), deleted);
}

}  // namespace

void export_nft(Napi::Object exports) {
  NftSocket::define(exports);
  export_function<load_ruleset>(exports, "loadRuleset");
  export_function<open_nft_socket>(exports, "openNftSocket");
  export_function<change_elements>(exports, "changeElements");
  export_function<list_elements>(exports, "listElements");
  export_function<has_elements>(exports, "hasElements");
  export_function<list_tables>(exports, "listTables");
  export_function<inspect_table>(exports, "inspectTable");
  export_function<delete_table>(exports, "deleteTable");
}
