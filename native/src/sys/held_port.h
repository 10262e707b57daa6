#pragma once

#include <cstdint>
#include <string>

#include "sys/ip.h"
#include "sys/unique_fd.h"

namespace sys {

/// A port that is bound and never listened on, so that other programs cannot bind it.
struct HeldPort {
  UniqueFd fd;
  uint16_t port;
};

enum class Transport { tcp, udp, sctp };

/// Binds a port; 0: the kernel picks one. Throws EADDRINUSE, EADDRNOTAVAIL, EACCES; EPROTONOSUPPORT without SCTP.
HeldPort hold_port(Transport transport, const IpAddress& address, uint16_t port);

/// Binds a UDP socket in the same way, with a receive buffer of `receive_bytes`, even above net.core.rmem_max
/// (SO_RCVBUFFORCE; without CAP_NET_ADMIN up to that limit).
HeldPort open_udp(const IpAddress& address, uint16_t port, int receive_bytes);

}  // namespace sys
