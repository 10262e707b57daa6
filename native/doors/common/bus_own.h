#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>

#include "common/bus.h"

namespace door {

/// Of this host, by number.
struct Loopback {
  sockaddr_storage address{};
  socklen_t length = 0;
};

/// The daemon's own server; none when the address is of another one: from the environment, not on loopback,
/// not plain `nats://`.
std::optional<Loopback> own_server(const Address& address);

/// Sends one request to the daemon's own server, on a new connection, in NATS's text protocol
/// (https://docs.nats.io/reference/reference-protocols/nats-protocol). Throws Unanswered, NotServed.
Reply request_own(const Loopback& server, const Address& address, const std::string& subject,
                  const std::string& payload);

}  // namespace door
