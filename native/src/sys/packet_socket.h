#pragma once

#include <string>

#include "sys/unique_fd.h"

namespace sys {

/// A socket for frames, or for what is in them, of the namespace that it was opened in. Closing one waits for RCU, 10
/// ms and more: that is done on another thread. The thread begins in the namespace of the one that starts it,
/// which must be at home by then.
class PacketSocket {
 public:
  explicit PacketSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  PacketSocket(const PacketSocket&) = delete;
  PacketSocket& operator=(const PacketSocket&) = delete;
  ~PacketSocket();
  int get() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

/// `type`: SOCK_RAW or SOCK_DGRAM. In the calling thread's namespace, where it stays; it receives nothing until it is
/// bound to a protocol.
UniqueFd open_packet_socket(int type, const std::string& op);

/// The number of a link in the socket's namespace, and its MAC address. Throws ENODEV, EOPNOTSUPP when it has none.
struct EthernetLink {
  int index;
  uint8_t mac[6];
};
EthernetLink ethernet_link(int socket, const std::string& link, const std::string& op);

}  // namespace sys
