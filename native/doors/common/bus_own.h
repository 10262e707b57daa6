#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>

#include "common/bus.h"

namespace door {

/// Numeric address on this host.
struct Loopback {
  sockaddr_storage address{};
  socklen_t length = 0;
};

/// Returns the daemon's own server; nothing if the address is another server's: from the environment, not on loopback,
/// not plain `nats://`.
std::optional<Loopback> own_server(const Address& address);

/// Sends one request to the daemon's own server, on a new connection, in NATS's text protocol
/// (https://docs.nats.io/reference/reference-protocols/nats-protocol). Throws Unanswered, NotServed.
Reply request_own(const Loopback& server, const Address& address, const std::string& subject,
                  const std::string& payload);

}  // namespace door
