#pragma once

#include <napi.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netlink/socket.h"
#include "sys/ip.h"
#include "sys/sys_error.h"
#include "sys/sysctl.h"

/// A value from JavaScript, and its path, which errors contain ("route[2].mtuBytes: expected a number").
class Arg {
 public:
  Arg(Napi::Value value, std::string path) : value_(value), path_(std::move(path)) {}

  [[noreturn]] void expected(const std::string& what) const;
  bool absent() const { return value_.IsNull() || value_.IsUndefined(); }
  const std::string& path() const { return path_; }
  Napi::Value value() const { return value_; }

  Arg member(const char* name) const;
  std::vector<Arg> items() const;

  std::string string() const;
  bool boolean() const;
  uint32_t integer(uint32_t max = UINT32_MAX) const;
  int32_t signed_integer() const;
  std::vector<uint8_t> bytes() const;
  Napi::Function function() const;
  /// "02:00:00:00:00:01"
  std::array<uint8_t, 6> mac() const;
  sys::IpAddress ip() const;
  sys::IpPrefix prefix() const;

  /// Reads a value, or nothing if it is null or absent: arg.optional(&Arg::string)
  template <class T>
  std::optional<T> optional(T (Arg::*read)() const) const {
    return absent() ? std::nullopt : std::optional<T>((this->*read)());
  }
  std::optional<uint32_t> optional_integer() const {
    return absent() ? std::nullopt : std::optional<uint32_t>(integer());
  }

 private:
  Napi::Value value_;
  std::string path_;
};

/// Argument `index` of a call, named "<function>.<name>".
Arg argument(const Napi::CallbackInfo& info, size_t index, const char* function, const char* name);

/// [{key, value}, …]; none when absent.
std::vector<sys::Sysctl> read_sysctls(const Arg& list);

/// Makes the error that is thrown for a fault: Error "add veth: EEXIST: …" with op, errno and detail.
Napi::Error to_js_error(Napi::Env env, const sys::SysError& error);
/// null, or {op, errno, detail}
Napi::Value to_js(Napi::Env env, const nl::Fault& fault);

/// null for "".
Napi::Value string_or_null(Napi::Env env, const std::string& text);

template <class T>
Napi::Value or_null(Napi::Env env, const std::optional<T>& value) {
  return value ? Napi::Value::From(env, *value) : env.Null();
}

template <class T, class Convert>
Napi::Array to_js_array(Napi::Env env, const std::vector<T>& values, Convert convert) {
  auto array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i) array.Set(i, convert(env, values[i]));
  return array;
}

/// Converts every exception of C++ to an exception of JavaScript.
template <Napi::Value (*Function)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    return Function(info);
  } catch (const sys::SysError& error) {
    throw to_js_error(info.Env(), error);
  }
}

template <Napi::Value (*Function)(const Napi::CallbackInfo&)>
void export_function(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New(exports.Env(), guarded<Function>, name));
}
