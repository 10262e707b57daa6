#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "address.h"

namespace door {

/// Nobody has said that it is done or why it is not: no daemon, one that is going, one that is silent, a connection
/// that was lost. It may have been done all the same.
struct NotServed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What the daemon answered instead of doing it.
struct Refused : std::runtime_error {
  Refused(std::string code, const std::string& message) : std::runtime_error(message), code(std::move(code)) {}
  std::string code;
};

/// What came back for a request, not looked into.
struct Reply {
  std::string text;
  /// a header says that it tells of a failure
  bool is_fault = false;
};

/// How long a server may take until it has greeted us, and the daemon until it has answered.
constexpr int connect_ms = 5'000;
constexpr int answer_ms = 60'000;
/// Shown by the server.
constexpr const char* client_name = "netloom netavark door";

/// Commands to the daemon that discover() finds.
class Bus {
 public:
  /// Throws NotServed when there is none.
  Bus();

  /// Sends `netloom.v1.<node>.<command>` and answers what comes back. A daemon that is just starting is waited for.
  /// Throws Refused, NotServed.
  nlohmann::json request(const std::string& command, const nlohmann::json& payload) const;

 private:
  Reply send(const std::string& subject, const std::string& payload) const;

  const Address address_;
};

}  // namespace door
