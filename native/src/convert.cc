#include "convert.h"

#include <cmath>
#include <cstdio>

void Arg::expected(const std::string& what) const {
  throw Napi::TypeError::New(value_.Env(), path_ + ": expected " + what);
}

Arg Arg::member(const char* name) const {
  if (!value_.IsObject()) expected("an object");
  return {value_.As<Napi::Object>().Get(name), path_ + "." + name};
}

std::vector<Arg> Arg::items() const {
  if (!value_.IsArray()) expected("an array");
  const auto array = value_.As<Napi::Array>();
  std::vector<Arg> items;
  items.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) {
    items.emplace_back(array.Get(i), path_ + "[" + std::to_string(i) + "]");
  }
  return items;
}

std::string Arg::string() const {
  if (!value_.IsString()) expected("a string");
  std::string text = value_.As<Napi::String>().Utf8Value();
  if (text.find('\0') != std::string::npos) expected("a string without NUL");
  return text;
}

bool Arg::boolean() const {
  if (!value_.IsBoolean()) expected("a boolean");
  return value_.As<Napi::Boolean>().Value();
}

uint32_t Arg::integer(uint32_t max) const {
  if (!value_.IsNumber()) expected("a number");
  const double number = value_.As<Napi::Number>().DoubleValue();
  if (!(number >= 0 && number <= max) || std::floor(number) != number) {
    expected("an integer from 0 to " + std::to_string(max));
  }
  return static_cast<uint32_t>(number);
}

int32_t Arg::signed_integer() const {
  if (!value_.IsNumber()) expected("a number");
  const double number = value_.As<Napi::Number>().DoubleValue();
  if (!(number >= INT32_MIN && number <= INT32_MAX) || std::floor(number) != number) {
    expected("an integer of 32 bits");
  }
  return static_cast<int32_t>(number);
}

std::vector<uint8_t> Arg::bytes() const {
  const bool fits = value_.IsTypedArray() && value_.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
  if (!fits) expected("a Uint8Array");
  const auto array = value_.As<Napi::Uint8Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

Napi::Function Arg::function() const {
  if (!value_.IsFunction()) expected("a function");
  return value_.As<Napi::Function>();
}

std::array<uint8_t, 6> Arg::mac() const {
  const std::string text = string();
  std::array<uint8_t, 6> mac{};
  int end = 0;
  const int read = std::sscanf(text.c_str(), "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2],
                               &mac[3], &mac[4], &mac[5], &end);
  if (read != 6 || end != 17 || text.size() != 17) expected("a MAC address (\"02:00:00:00:00:01\")");
  return mac;
}

sys::IpAddress Arg::ip() const {
  const auto address = sys::parse_ip(string());
  if (!address) expected("an IP address");
  return *address;
}

sys::IpPrefix Arg::prefix() const {
  const auto prefix = sys::parse_prefix(string());
  if (!prefix) expected("an IP address with prefix length (\"10.0.0.1/24\")");
  return *prefix;
}

Arg argument(const Napi::CallbackInfo& info, size_t index, const char* function, const char* name) {
  return {info[index], std::string(function) + "." + name};
}

namespace {

void put_fault(Napi::Object object, const sys::SysError& error) {
  object.Set("op", error.op());
  object.Set("errno", error.name());
  object.Set("detail", string_or_null(object.Env(), error.detail()));
}

}  // namespace

std::vector<sys::Sysctl> read_sysctls(const Arg& list) {
  std::vector<sys::Sysctl> settings;
  if (list.absent()) return settings;
  for (const Arg& item : list.items()) settings.push_back({item.member("key").string(), item.member("value").string()});
  return settings;
}

Napi::Error to_js_error(Napi::Env env, const sys::SysError& error) {
  auto result = Napi::Error::New(env, error.what());
  put_fault(result.Value(), error);
  return result;
}

Napi::Value to_js(Napi::Env env, const nl::Fault& fault) {
  if (!fault) return env.Null();
  auto object = Napi::Object::New(env);
  put_fault(object, *fault);
  return object;
}

Napi::Value string_or_null(Napi::Env env, const std::string& text) {
  return text.empty() ? env.Null() : Napi::Value(Napi::String::New(env, text));
}
