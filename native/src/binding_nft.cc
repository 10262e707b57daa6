#include <linux/netlink.h>

#include "binding.h"
#include "handle.h"
#include "nft/element.h"
#include "nft/ruleset.h"
#include "nft/table.h"

namespace {

constexpr size_t kCommentBytes = 128;  // as `nft` allows

nl::Socket& socket_of(const Napi::CallbackInfo& info, const char* function) {
  return NftSocket::of(argument(info, 0, function, "socket"));
}

std::optional<std::string> read_comment(const Arg& arg) {
  auto comment = arg.optional(&Arg::string);
  if (comment && comment->size() > kCommentBytes) arg.expected("at most 128 bytes");
  return comment;
}

nft::Element read_element(const Arg& arg) {
  return {arg.member("set").string(),
          arg.member("key").bytes(),
          arg.member("keyEnd").optional(&Arg::bytes),
          arg.member("intervalEnd").boolean(),
          arg.member("data").optional(&Arg::bytes),
          read_comment(arg.member("comment"))};
}

nft::Change read_change(const Arg& arg) {
  const Arg verb = arg.member("verb");
  const std::string name = verb.string();
  if (name != "add" && name != "delete") verb.expected("'add' or 'delete'");
  return {name == "add", read_element(arg.member("element"))};
}

Napi::Value bytes_to_js(Napi::Env env, const nft::Bytes& bytes) {
  auto array = Napi::Uint8Array::New(env, bytes.size());
  std::copy(bytes.begin(), bytes.end(), array.Data());
  return array;
}

Napi::Value bytes_or_null(Napi::Env env, const std::optional<nft::Bytes>& bytes) {
  return bytes ? bytes_to_js(env, *bytes) : env.Null();
}

Napi::Value element_to_js(Napi::Env env, const nft::Element& element) {
  auto object = Napi::Object::New(env);
  object.Set("set", element.set);
  object.Set("key", bytes_to_js(env, element.key));
  object.Set("keyEnd", bytes_or_null(env, element.key_end));
  object.Set("intervalEnd", element.interval_end);
  object.Set("data", bytes_or_null(env, element.data));
  object.Set("comment", or_null(env, element.comment));
  return object;
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
  const std::string table = argument(info, 1, "listElements", "table").string();
  const std::string set = argument(info, 2, "listElements", "set").string();
  return to_js_array(info.Env(), nft::list_elements(socket, table, set), element_to_js);
}

Napi::Value list_tables(const Napi::CallbackInfo& info) {
  const auto tables = nft::list_tables(socket_of(info, "listTables"));
  return to_js_array(info.Env(), tables, Napi::Value::From<std::string>);
}

Napi::Value delete_table(const Napi::CallbackInfo& info) {
  nl::Socket& socket = socket_of(info, "deleteTable");
  const bool deleted = nft::delete_table(socket, argument(info, 1, "deleteTable", "table").string());
  return Napi::Boolean::New(info.Env(), deleted);
}

}  // namespace

void export_nft(Napi::Object exports) {
  NftSocket::define(exports);
  export_function<load_ruleset>(exports, "loadRuleset");
  export_function<open_nft_socket>(exports, "openNftSocket");
  export_function<change_elements>(exports, "changeElements");
  export_function<list_elements>(exports, "listElements");
  export_function<list_tables>(exports, "listTables");
  export_function<delete_table>(exports, "deleteTable");
}
