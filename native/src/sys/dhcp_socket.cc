#include "sys/dhcp_socket.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <utility>

#include "sys/netns.h"
#include "sys/sys_error.h"

namespace sys {
namespace {

constexpr char kOp[] = "open DHCP socket";
constexpr uint16_t kServerPort = 67, kClientPort = 68;
/// Larger than any Ethernet frame; longer packets are truncated and dropped.
constexpr size_t kMostBytes = 2048;
/// Size of the receive buffer, which limits what a sender can fill.
constexpr int kReceiveBytes = 64 * 1024;

/// Accepts only unfragmented UDP to port 68 with that transaction number: answers to other clients on the LAN do not
/// wake this process.
void set_filter(int fd, uint32_t transaction) {
  constexpr uint32_t kDestinationPort = 2, kTransaction = sizeof(udphdr) + 4;
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 8),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, IP_MF | IP_OFFMASK, 6, 0),
      BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, kDestinationPort),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kClientPort, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_IND, kTransaction),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, transaction, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, kMostBytes),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const sock_fprog filter{sizeof program / sizeof program[0], program};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) throw_errno(kOp);
}

/// Binds the port, so that the kernel does not answer. If another program has the port, its socket has the same effect.
UniqueFd open_silencer(const std::string& link) {
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return fd;
  const int least = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(kClientPort);
  const bool is_bound = setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, link.c_str(), link.size()) == 0 &&
                        bind(fd.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
  return is_bound ? std::move(fd) : UniqueFd();
}

uint32_t sum_of(const void* data, size_t size, uint32_t sum = 0) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  for (size_t at = 0; at < size; at += 2) sum += (bytes[at] << 8) | (at + 1 < size ? bytes[at + 1] : 0);
  return sum;
}

uint16_t folded(uint32_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

/// Computes the checksum of a datagram, of the length in its header. 0: the datagram is correct.
uint16_t udp_checksum(const iphdr& ip, const uint8_t* datagram, size_t size) {
  const auto* addresses = reinterpret_cast<const uint8_t*>(&ip) + offsetof(iphdr, saddr);
  const uint32_t sum = sum_of(addresses, 8, IPPROTO_UDP + static_cast<uint32_t>(size));
  return folded(sum_of(datagram, size, sum));
}

struct Headers {
  iphdr ip{};
  udphdr udp{};
};
static_assert(sizeof(Headers) == 28);

/// Checks the kernel's data about a frame: its checksum may not be computed yet, as in frames from a veth's other end.
bool is_checksum_open(msghdr& message) {
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level != SOL_PACKET || one->cmsg_type != PACKET_AUXDATA) continue;
    tpacket_auxdata data;
    std::memcpy(&data, CMSG_DATA(one), sizeof data);
    return (data.tp_status & TP_STATUS_CSUMNOTREADY) != 0;
  }
  return false;
}

/// Parses a datagram; nothing if it is not complete.
std::optional<DhcpDatagram> parse(const uint8_t* bytes, size_t size, bool is_open) {
  iphdr ip;
  if (size < sizeof ip) return std::nullopt;
  std::memcpy(&ip, bytes, sizeof ip);
  const size_t header = ip.ihl * 4U, total = ntohs(ip.tot_len);
  if (ip.version != 4 || header < sizeof ip || total > size || total < header + sizeof(udphdr)) return std::nullopt;
  if (folded(sum_of(bytes, header)) != 0) return std::nullopt;
  udphdr udp;
  std::memcpy(&udp, bytes + header, sizeof udp);
  const size_t length = ntohs(udp.len);
  if (length < sizeof udp || length > total - header) return std::nullopt;
  if (udp.check != 0 && !is_open && udp_checksum(ip, bytes + header, length) != 0) return std::nullopt;
  DhcpDatagram datagram{};
  datagram.source.family = AF_INET;
  std::memcpy(datagram.source.bytes.data(), &ip.saddr, 4);
  datagram.payload.assign(bytes + header + sizeof udp, bytes + header + length);
  return datagram;
}

}  // namespace

DhcpSocket::DhcpSocket(const std::string& path, const std::string& link, uint32_t transaction)
    : packets_(in_netns(path, kOp, [] { return open_packet_socket(SOCK_DGRAM | SOCK_NONBLOCK, kOp); })) {
  link_ = ethernet_link(fd(), link, kOp).index;
  set_filter(fd(), transaction);
  const int on = 1;
  setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &kReceiveBytes, sizeof kReceiveBytes);
  if (setsockopt(fd(), SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) != 0) throw_errno(kOp);
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_protocol = htons(ETHERTYPE_IP);
  where.sll_ifindex = link_;
  if (bind(fd(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) throw_errno(kOp, link);
  silencer_ = in_netns(path, kOp, [&] { return open_silencer(link); });
}

void DhcpSocket::send(const IpAddress& source, const IpAddress& destination, const MacAddress& mac,
                      const std::vector<uint8_t>& payload) const {
  Headers headers;
  headers.ip.version = 4;
  headers.ip.ihl = 5;
  headers.ip.tot_len = htons(static_cast<uint16_t>(sizeof headers + payload.size()));
  headers.ip.frag_off = htons(IP_DF);
  headers.ip.ttl = 64;
  headers.ip.protocol = IPPROTO_UDP;
  std::memcpy(&headers.ip.saddr, source.bytes.data(), 4);
  std::memcpy(&headers.ip.daddr, destination.bytes.data(), 4);
  headers.ip.check = htons(folded(sum_of(&headers.ip, sizeof headers.ip)));
  headers.udp.source = htons(kClientPort);
  headers.udp.dest = htons(kServerPort);
  headers.udp.len = htons(static_cast<uint16_t>(sizeof headers.udp + payload.size()));
  std::vector<uint8_t> packet(sizeof headers + payload.size());
  std::memcpy(packet.data() + sizeof headers, payload.data(), payload.size());
  std::memcpy(packet.data(), &headers, sizeof headers);
  const size_t udp = sizeof headers.ip;
  const uint16_t check = udp_checksum(headers.ip, packet.data() + udp, packet.size() - udp);
  headers.udp.check = htons(check == 0 ? 0xffff : check);
  std::memcpy(packet.data(), &headers, sizeof headers);

  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_protocol = htons(ETHERTYPE_IP);
  where.sll_ifindex = link_;
  where.sll_halen = mac.size();
  std::memcpy(where.sll_addr, mac.data(), mac.size());
  const auto* to = reinterpret_cast<const sockaddr*>(&where);
  if (sendto(fd(), packet.data(), packet.size(), 0, to, sizeof where) < 0) throw_errno("send DHCP message");
}

void DhcpSocket::receive(std::vector<DhcpDatagram>& whole, int most) const {
  for (int tries = 0; tries < most; tries++) {
    std::array<uint8_t, kMostBytes> bytes;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(tpacket_auxdata))> control;
    sockaddr_ll from{};
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = recvmsg(fd(), &message, 0);
    if (size < 0 && errno == EAGAIN) return;
    // reported once when the link goes down or is removed, also by a send
    if (size < 0 && (errno == EINTR || errno == ENETDOWN)) continue;
    if (size < 0) throw_errno("receive DHCP message");
    const bool is_ours = from.sll_pkttype != PACKET_OUTGOING && from.sll_halen == 6;
    if (!is_ours || (message.msg_flags & MSG_TRUNC) != 0) continue;
    auto datagram = parse(bytes.data(), static_cast<size_t>(size), is_checksum_open(message));
    if (!datagram) continue;
    std::memcpy(datagram->source_mac.data(), from.sll_addr, 6);
    whole.push_back(std::move(*datagram));
  }
}

}  // namespace sys
