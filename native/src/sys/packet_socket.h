#pragma once

#include <string>

#include "sys/unique_fd.h"

namespace sys {

/// A socket for frames, or for their contents, in the namespace in which it was opened. Closing it waits for RCU, 10 ms
/// and more, so another thread does that. That thread begins in the namespace of the thread that destroys this object,
/// which must be back in its own namespace by then.
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

/// Opens a socket in the calling thread's namespace, in which it stays. `type`: SOCK_RAW or SOCK_DGRAM. It receives
/// nothing until it is bound to a protocol.
UniqueFd open_packet_socket(int type, const std::string& op);

/// Index and MAC address of a link in the socket's namespace. Throws ENODEV; EOPNOTSUPP if it has no MAC address.
struct EthernetLink {
  int index;
  uint8_t mac[6];
};
EthernetLink ethernet_link(int socket, const std::string& link, const std::string& op);

}  // namespace sys
