#include "convert_nft.h"

namespace {

constexpr size_t kCommentBytes = 128;  // as `nft` allows

std::optional<std::string> read_comment(const Arg& arg) {
  auto comment = arg.optional(&Arg::string);
  if (comment && comment->size() > kCommentBytes) arg.expected("at most 128 bytes");
  return comment;
}

nft::Verb read_verb(const Arg& arg) {
  const std::string name = arg.string();
  if (name == "add") return nft::Verb::add;
  if (name == "create") return nft::Verb::create;
  if (name == "delete") return nft::Verb::remove;
  arg.expected("'add', 'create' or 'delete'");
}

}  // namespace

nft::Family read_family(const Arg& arg) {
  const std::string name = arg.optional(&Arg::string).value_or("inet");
  if (name == "inet") return nft::Family::inet;
  if (name == "bridge") return nft::Family::bridge;
  arg.expected("'inet' or 'bridge'");
}

Napi::Value to_js(Napi::Env env, nft::Family family) {
  return Napi::String::New(env, family == nft::Family::bridge ? "bridge" : "inet");
}

nft::Element read_element(const Arg& arg) {
  return {arg.member("set").string(),
          arg.member("key").bytes(),
          arg.member("keyEnd").optional(&Arg::bytes),
          arg.member("intervalEnd").boolean(),
          arg.member("data").optional(&Arg::bytes),
          read_comment(arg.member("comment")),
          std::nullopt,
          read_family(arg.member("family"))};
}

nft::Change read_change(const Arg& arg) { return {read_verb(arg.member("verb")), read_element(arg.member("element"))}; }

static Napi::Value bytes_to_js(Napi::Env env, const nft::Bytes& bytes) {
  auto array = Napi::Uint8Array::New(env, bytes.size());
  std::copy(bytes.begin(), bytes.end(), array.Data());
  return array;
}

static Napi::Value bytes_or_null(Napi::Env env, const std::optional<nft::Bytes>& bytes) {
  return bytes ? bytes_to_js(env, *bytes) : env.Null();
}

static Napi::Value counter_to_js(Napi::Env env, const std::optional<nft::Counter>& counter) {
  if (!counter) return env.Null();
  auto object = Napi::Object::New(env);
  object.Set("packets", static_cast<double>(counter->packets));
  object.Set("bytes", static_cast<double>(counter->bytes));
  return object;
}

Napi::Value to_js_element(Napi::Env env, const nft::Element& element) {
  auto object = Napi::Object::New(env);
  object.Set("set", element.set);
  object.Set("key", bytes_to_js(env, element.key));
  object.Set("keyEnd", bytes_or_null(env, element.key_end));
  object.Set("intervalEnd", element.interval_end);
  object.Set("data", bytes_or_null(env, element.data));
  object.Set("comment", or_null(env, element.comment));
  return object;
}

Napi::Value to_js_listed_element(Napi::Env env, const nft::Element& element) {
  auto object = to_js_element(env, element).As<Napi::Object>();
  object.Set("counter", counter_to_js(env, element.counter));
  return object;
}
