#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "convert.h"
#include "netlink/socket.h"
#include "sys/dhcp_socket.h"
#include "sys/held_port.h"

class RouteSocket;
class NftSocket;
class HeldPort;
class DhcpSocket;
class Watch;

template <class Class>
struct Constructor {
  Napi::FunctionReference function;
};

/// The addon's data of one thread. It is loaded once per worker, so there are no globals.
struct Addon {
  std::tuple<Constructor<RouteSocket>, Constructor<NftSocket>, Constructor<HeldPort>, Constructor<DhcpSocket>,
             Constructor<Watch>>
      constructors;

  template <class Class>
  static Napi::FunctionReference& constructor(Napi::Env env) {
    return std::get<Constructor<Class>>(env.GetInstanceData<Addon>()->constructors).function;
  }
};

/// A JavaScript object that owns a native object until close() or garbage collection. Only the addon constructs it.
template <class Self, class Content>
class Handle : public Napi::ObjectWrap<Self> {
 public:
  using Base = Handle;

  explicit Handle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Self>(info) {
    if (info.Length() != 1 || !info[0].IsExternal()) {
      throw Napi::TypeError::New(info.Env(), std::string(Self::kName) + " has no public constructor");
    }
    content_.emplace(std::move(*info[0].As<Napi::External<Content>>().Data()));
  }

  static void define(Napi::Object exports) {
    const Napi::Env env = exports.Env();
    const Napi::Function function = Self::DefineClass(env, Self::kName, Self::properties());
    Addon::constructor<Self>(env) = Napi::Persistent(function);
    exports.Set(Self::kName, function);
  }

  static Napi::Value make(Napi::Env env, Content content) {
    return Addon::constructor<Self>(env).New({Napi::External<Content>::New(env, &content)});
  }

  /// Returns the native object of `arg`. Throws a TypeError if it is something else, EBADF if it is closed.
  static Content& of(const Arg& arg) {
    const bool ours = arg.value().IsObject() &&
                      arg.value().As<Napi::Object>().InstanceOf(Addon::constructor<Self>(arg.value().Env()).Value());
    if (!ours) arg.expected(std::string("a ") + Self::kName);
    auto& content = Self::Unwrap(arg.value().As<Napi::Object>())->content_;
    if (!content) throw sys::SysError(std::string("use ") + Self::kName, EBADF, "it is closed");
    return *content;
  }

  static std::vector<Napi::ClassPropertyDescriptor<Self>> properties() {
    return {Self::InstanceMethod("close", &Self::close)};
  }

  void close(const Napi::CallbackInfo&) { content_.reset(); }

 protected:
  std::optional<Content> content_;
};

class RouteSocket : public Handle<RouteSocket, nl::Socket> {
 public:
  static constexpr char kName[] = "RouteSocket";
  using Handle::Handle;
};

class NftSocket : public Handle<NftSocket, nl::Socket> {
 public:
  static constexpr char kName[] = "NftSocket";
  using Handle::Handle;
};

class HeldPort : public Handle<HeldPort, sys::HeldPort> {
 public:
  static constexpr char kName[] = "HeldPort";
  explicit HeldPort(const Napi::CallbackInfo& info) : Handle(info), port_(content_->port) {}

  static std::vector<Napi::ClassPropertyDescriptor<HeldPort>> properties() {
    auto all = Handle::properties();
    all.push_back(InstanceAccessor<&HeldPort::port>("port"));
    return all;
  }

 private:
  Napi::Value port(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), port_); }
  uint16_t port_;  // also available after close()
};

/// A socket that is shared with the watch that reads from it.
class DhcpSocket : public Handle<DhcpSocket, std::shared_ptr<sys::DhcpSocket>> {
 public:
  static constexpr char kName[] = "DhcpSocket";
  using Handle::Handle;
};
