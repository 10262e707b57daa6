#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sys/ip.h"
#include "sys/packet_socket.h"

namespace sys {

using MacAddress = std::array<uint8_t, 6>;

/// A datagram for the port of DHCP clients.
struct DhcpDatagram {
  IpAddress source;
  MacAddress source_mac;
  std::vector<uint8_t> payload;
};

/// UDP port 68 of one link, which may have no address yet: this class makes and parses IPv4 datagrams, without the
/// kernel's UDP. Its namespace lives while it is open.
class DhcpSocket {
 public:
  /// Opens the socket in the namespace at `path`, for answers with that transaction number. Throws ENOENT without that
  /// namespace, ENODEV without that link, EOPNOTSUPP if the link has no MAC address.
  DhcpSocket(const std::string& path, const std::string& link, uint32_t transaction);

  /// Sends from port 68 to port 67. Throws ENETDOWN; ENXIO if the link was removed.
  void send(const IpAddress& source, const IpAddress& destination, const MacAddress& mac,
            const std::vector<uint8_t>& payload) const;

  /// Reads the waiting datagrams, at most `most`, and appends the complete ones. Incomplete ones are dropped, but
  /// counted.
  void receive(std::vector<DhcpDatagram>& whole, int most) const;

  int fd() const { return packets_.get(); }

 private:
  PacketSocket packets_;
  /// Bound, and never read: without it, the kernel answers a server's unicast with a port-unreachable error.
  UniqueFd silencer_;
  int link_;
};

}  // namespace sys
