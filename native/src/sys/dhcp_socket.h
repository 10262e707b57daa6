#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sys/ip.h"
#include "sys/packet_socket.h"

namespace sys {

using MacAddress = std::array<uint8_t, 6>;

/// What came to the port of DHCP clients.
struct DhcpDatagram {
  IpAddress source;
  MacAddress source_mac;
  std::vector<uint8_t> payload;
};

/// UDP port 68 of one link that may have no address yet: IPv4 datagrams are made and read here, below the kernel's own
/// UDP. As long as it is open its namespace lives.
class DhcpSocket {
 public:
  /// In the namespace at `path`; only answers with that transaction number are received. Throws ENOENT when there is
  /// none, ENODEV when there is no link, EOPNOTSUPP when the link has no MAC address.
  DhcpSocket(const std::string& path, const std::string& link, uint32_t transaction);

  /// From port 68 to port 67. Throws ENETDOWN, ENXIO when the link has gone.
  void send(const IpAddress& source, const IpAddress& destination, const MacAddress& mac,
            const std::vector<uint8_t>& payload) const;

  /// Reads as many datagrams as wait, at most `most`, and adds those that are whole; the others count too, and are
  /// dropped.
  void receive(std::vector<DhcpDatagram>& whole, int most) const;

  int fd() const { return packets_.get(); }

 private:
  PacketSocket packets_;
  /// Bound, and never read: without it the kernel answers a server's unicast with a port-unreachable error.
  UniqueFd silencer_;
  int link_;
};

}  // namespace sys
