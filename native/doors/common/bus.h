#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "common/address.h"

namespace door {

/// No answer: there is no daemon, or it is starting or ending. Nothing was done, unless it is Unanswered.
struct NotServed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The request was sent, and then the connection was lost, or the daemon was silent: the command may be carried out,
/// by the next daemon too.
struct Unanswered : NotServed {
  using NotServed::NotServed;
};

/// What the daemon answered instead of doing it.
struct Refused : std::runtime_error {
  Refused(std::string code, const std::string& message) : std::runtime_error(message), code(std::move(code)) {}
  std::string code;
};

/// What came back for a request, not looked into.
struct Reply {
  std::string text;
  /// a header marks it as a failure
  bool is_fault = false;
};

/// How long a server may take until it has greeted us, and the daemon until it has answered.
constexpr int connect_ms = 5'000;
constexpr int answer_ms = 60'000;
/// Shown by the server.
constexpr const char* client_name = "netloom " DOOR_NAME " door";

/// 32 hexadecimal digits that cannot be guessed. Throws NotServed.
std::string fresh_token();

/// Commands to the daemon that discover() finds.
class Bus {
 public:
  /// Throws NotServed without a daemon.
  Bus();

  /// Sends `netloom.v1.<node>.<command>` and returns the reply. Waits for a daemon that is starting.
  /// Throws Refused, Unanswered, NotServed.
  nlohmann::json request(const std::string& command, const nlohmann::json& payload) const;

 private:
  Reply send(const std::string& subject, const std::string& payload) const;

  const Address address_;
};

}  // namespace door
