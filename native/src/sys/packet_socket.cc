#include "sys/packet_socket.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <system_error>
#include <thread>

#include "sys/sys_error.h"

namespace sys {
namespace {

ifreq request_for(const std::string& link) {
  ifreq request{};
  std::strncpy(request.ifr_name, link.c_str(), IFNAMSIZ - 1);
  return request;
}

}  // namespace

PacketSocket::~PacketSocket() {
  try {
    std::thread([fd = std::move(fd_)] {}).detach();
  } catch (const std::system_error&) {
    // closed on this thread instead
  }
}

UniqueFd open_packet_socket(int type, const std::string& op) {
  UniqueFd fd(socket(AF_PACKET, type | SOCK_CLOEXEC, 0));
  if (!fd) throw_errno(op);
  return fd;
}

EthernetLink ethernet_link(int socket, const std::string& link, const std::string& op) {
  ifreq number = request_for(link), hardware = request_for(link);
  if (ioctl(socket, SIOCGIFINDEX, &number) != 0 || ioctl(socket, SIOCGIFHWADDR, &hardware) != 0) throw_errno(op, link);
  if (hardware.ifr_hwaddr.sa_family != ARPHRD_ETHER) throw SysError(op, EOPNOTSUPP, link + " has no MAC address");
  EthernetLink found{number.ifr_ifindex, {}};
  std::memcpy(found.mac, hardware.ifr_hwaddr.sa_data, sizeof found.mac);
  return found;
}

}  // namespace sys
