#pragma once

#include <nats/nats.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace door {

/// Nobody is there to do it: no daemon, or one that is going.
struct NotServed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What the daemon answered instead of doing it.
struct Refused : std::runtime_error {
  Refused(std::string code, const std::string& message) : std::runtime_error(message), code(std::move(code)) {}
  std::string code;
};

/// The daemon's run directory: NETLOOM_RUN_DIR, or /run/netloom.
std::string run_directory();

/// One connection to the daemon of this host, by the credentials that it keeps in its run directory (or NETLOOM_CREDS,
/// NATS_URL and NETLOOM_NODE, as for the other clients). It is not closed, but goes with the process: the library's
/// orderly end waits for its threads.
class Bus {
 public:
  /// Throws NotServed.
  Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// Sends `netloom.v1.<node>.<command>` and answers what comes back. A daemon that is just starting is waited for.
  /// Throws Refused, NotServed.
  nlohmann::json request(const std::string& command, const nlohmann::json& payload);

 private:
  nlohmann::json request_once(const std::string& subject, const std::string& payload);

  natsConnection* connection_ = nullptr;
  std::string node_;
};

}  // namespace door
