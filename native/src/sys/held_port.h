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

/// Port 0: the kernel picks. Throws EADDRINUSE, EADDRNOTAVAIL, EACCES; EPROTONOSUPPORT when the kernel has no SCTP.
HeldPort hold_port(Transport transport, const IpAddress& address, uint16_t port);

/// A UDP socket bound in the same way, with room for `receive_bytes` that wait to be read, whatever net.core.rmem_max
/// is (SO_RCVBUFFORCE; without CAP_NET_ADMIN as much as it allows).
HeldPort open_udp(const IpAddress& address, uint16_t port, int receive_bytes);

}  // namespace sys
