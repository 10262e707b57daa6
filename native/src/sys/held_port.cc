#include "sys/held_port.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "sys/sys_error.h"

namespace sys {
namespace {

constexpr char kOp[] = "hold port";

UniqueFd open_socket(Transport transport, int family) {
  const int type = transport == Transport::udp ? SOCK_DGRAM : SOCK_STREAM;
  const int protocol = transport == Transport::sctp ? IPPROTO_SCTP : 0;
  UniqueFd fd(socket(family, type | SOCK_CLOEXEC, protocol));
  if (!fd) throw_errno(kOp);
  return fd;
}

socklen_t fill(sockaddr_storage& storage, const IpAddress& address, uint16_t port) {
  if (address.family == AF_INET) {
    auto& in = reinterpret_cast<sockaddr_in&>(storage);
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, address.bytes.data(), 4);
    return sizeof in;
  }
  auto& in6 = reinterpret_cast<sockaddr_in6&>(storage);
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(port);
  std::memcpy(&in6.sin6_addr, address.bytes.data(), 16);
  return sizeof in6;
}

uint16_t bound_port(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) throw_errno(kOp);
  return ntohs(reinterpret_cast<sockaddr_in&>(storage).sin_port);  // at the same place in sockaddr_in6
}

}  // namespace

HeldPort hold_port(Transport transport, const IpAddress& address, uint16_t port) {
  UniqueFd fd = open_socket(transport, address.family);
  const int on = 1;
  // Without IPV6_V6ONLY, :: would also take the IPv4 port, which has a socket of its own. No SO_REUSEADDR: a conflict
  // must show.
  if (address.family == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  sockaddr_storage storage{};
  const socklen_t size = fill(storage, address, port);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) {
    throw_errno(kOp, address.text() + " port " + std::to_string(port));
  }
  const uint16_t bound = bound_port(fd.get());
  return {std::move(fd), bound};
}

HeldPort open_udp(const IpAddress& address, uint16_t port, int receive_bytes) {
  HeldPort bound = hold_port(Transport::udp, address, port);
  const int fd = bound.fd.get();
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof receive_bytes) != 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  return bound;
}

}  // namespace sys
