#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "netlink/socket.h"
#include "sys/ip.h"

namespace conntrack {

/// Selects connections by the destination of their first packet, before any translation.
struct Selection {
  uint8_t protocol;  // IPPROTO_…
  int family;        // AF_INET or AF_INET6
  std::optional<sys::IpAddress> destination;
  uint16_t first_port, last_port;
};

/// Equivalent to: conntrack -D -f <family> -p <protocol> [--orig-dst <destination>] --orig-port-dst <port>, for every
/// selection and every port of its range, in the socket's namespace. Returns by how many connections the namespace
/// has fewer; 0 if the kernel tracks none.
uint32_t delete_connections(nl::Socket& socket, const std::vector<Selection>& selections);

}  // namespace conntrack
