#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "common/address.h"

namespace door {

/// No answer: there is no daemon, or it is starting or ending. Unless it is Unanswered, nothing was done.
struct NotServed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The request was sent, but not answered: the connection was lost, or the daemon was silent. The command may still be
/// carried out, even by the next daemon.
struct Unanswered : NotServed {
  using NotServed::NotServed;
};

/// The daemon refused the command; the message is the daemon's.
struct Refused : std::runtime_error {
  Refused(std::string code, const std::string& message) : std::runtime_error(message), code(std::move(code)) {}
  std::string code;
};

/// The unparsed reply to a request.
struct Reply {
  std::string text;
  /// whether a header marks it as a failure
  bool is_fault = false;
};

/// Time limits for the greeting of the server, and for the answer of the daemon.
constexpr int connect_ms = 5'000;
constexpr int answer_ms = 60'000;
/// Name of the connection, which the server shows.
constexpr const char* client_name = "netloom " DOOR_NAME " door";

/// Returns 32 hexadecimal digits that cannot be guessed. Throws NotServed.
std::string fresh_token();

/// Sends commands to the daemon that discover() finds.
class Bus {
 public:
  /// Throws NotServed if there is no daemon.
  Bus();

  /// Sends `netloom.v1.<node>.<command>` and returns the reply. Waits for a daemon that is starting.
  /// Throws Refused, Unanswered, NotServed.
  nlohmann::json request(const std::string& command, const nlohmann::json& payload) const;

 private:
  Reply send(const std::string& subject, const std::string& payload) const;

  const Address address_;
};

}  // namespace door
