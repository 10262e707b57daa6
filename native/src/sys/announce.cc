#include "sys/announce.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <sys/socket.h>

#include <cstring>

#include "sys/netns.h"
#include "sys/packet_socket.h"

namespace sys {
namespace {

using Mac = std::array<uint8_t, ETH_ALEN>;
using Frame = std::vector<uint8_t>;

constexpr Mac kEveryone{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr Mac kAllNodesMac{0x33, 0x33, 0, 0, 0, 1};
constexpr std::array<uint8_t, 16> kAllNodes{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
/// RFC 4861: hosts ignore neighbour discovery packets with a lower hop limit, because a router may have forwarded them.
constexpr uint8_t kFromThisLink = 255;

void put(Frame& frame, const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  frame.insert(frame.end(), bytes, bytes + size);
}

Frame ethernet(const Mac& destination, const Mac& source, uint16_t type) {
  Frame frame;
  put(frame, destination.data(), destination.size());
  put(frame, source.data(), source.size());
  type = htons(type);
  put(frame, &type, sizeof type);
  return frame;
}

/// Makes a request whose sender and target are the address (RFC 5227). Neighbours that know the address update its MAC
/// address, and do not answer.
Frame gratuitous_arp(const Mac& mac, const IpAddress& address) {
  Frame frame = ethernet(kEveryone, mac, ETHERTYPE_ARP);
  const arphdr header{htons(ARPHRD_ETHER), htons(ETHERTYPE_IP), ETH_ALEN, 4, htons(ARPOP_REQUEST)};
  put(frame, &header, sizeof header);
  put(frame, mac.data(), mac.size());
  put(frame, address.bytes.data(), 4);
  put(frame, Mac{}.data(), ETH_ALEN);
  put(frame, address.bytes.data(), 4);
  return frame;
}

/// Computes the one's complement sum of the words in memory order.
uint16_t checksum(const Frame& words) {
  uint32_t sum = 0;
  for (size_t at = 0; at + 1 < words.size(); at += 2) {
    uint16_t word;
    std::memcpy(&word, &words[at], sizeof word);
    sum += word;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

struct Advertisement {
  nd_neighbor_advert header{};
  nd_opt_hdr option{ND_OPT_TARGET_LINKADDR, 1};
  Mac mac{};
};
static_assert(sizeof(Advertisement) == 32);

/// Makes an unsolicited advertisement that overrides cached entries (RFC 4861, 7.2.6).
Frame neighbour_advertisement(const Mac& mac, const IpAddress& address) {
  Advertisement advertisement;
  advertisement.header.nd_na_type = ND_NEIGHBOR_ADVERT;
  advertisement.header.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE;
  std::memcpy(&advertisement.header.nd_na_target, address.bytes.data(), 16);
  advertisement.mac = mac;

  ip6_hdr header{};
  header.ip6_flow = htonl(6U << 28);
  header.ip6_plen = htons(sizeof advertisement);
  header.ip6_nxt = IPPROTO_ICMPV6;
  header.ip6_hlim = kFromThisLink;
  std::memcpy(&header.ip6_src, address.bytes.data(), 16);
  std::memcpy(&header.ip6_dst, kAllNodes.data(), 16);

  Frame pseudo;
  put(pseudo, &header.ip6_src, 32);
  const std::array<uint32_t, 2> tail{htonl(sizeof advertisement), htonl(IPPROTO_ICMPV6)};
  put(pseudo, tail.data(), sizeof tail);
  put(pseudo, &advertisement, sizeof advertisement);
  advertisement.header.nd_na_cksum = checksum(pseudo);

  Frame frame = ethernet(kAllNodesMac, mac, ETHERTYPE_IPV6);
  put(frame, &header, sizeof header);
  put(frame, &advertisement, sizeof advertisement);
  return frame;
}

void send_all(const PacketSocket& socket, const std::string& link, const std::vector<IpAddress>& addresses,
              const std::string& op) {
  const EthernetLink found = ethernet_link(socket.get(), link, op);
  Mac mac;
  std::memcpy(mac.data(), found.mac, mac.size());
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_ifindex = found.index;
  where.sll_halen = ETH_ALEN;
  for (const IpAddress& address : addresses) {
    const Frame frame =
        address.family == AF_INET ? gratuitous_arp(mac, address) : neighbour_advertisement(mac, address);
    const auto* to = reinterpret_cast<const sockaddr*>(&where);
    if (sendto(socket.get(), frame.data(), frame.size(), 0, to, sizeof where) < 0) throw_errno(op, address.text());
  }
}

}  // namespace

void announce_addresses(const std::string& path, const std::string& link, const std::vector<IpAddress>& addresses) {
  const std::string op = "announce addresses";
  const PacketSocket socket(in_netns(path, op, [&] { return open_packet_socket(SOCK_RAW, op); }));
  send_all(socket, link, addresses, op);
}

}  // namespace sys
