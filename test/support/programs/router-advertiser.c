// Sends router advertisements, as a router of the link does, or an impostor.
//
//   router-advertiser <interface> <source address> <prefix>/64 <router lifetime, s> <count> <interval, ms>
//
// From the link-local source address, which must be there, to ff02::1: a default router for that lifetime, and a prefix
// from which hosts are to make themselves an address. Exit code 0 when all were sent.
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char* what) {
  perror(what);
  exit(1);
}

struct advertisement {
  struct nd_router_advert router;
  struct nd_opt_prefix_info prefix;
  struct nd_opt_hdr link_address_header;
  unsigned char link_address[6];
} __attribute__((packed));

int main(int argc, char** argv) {
  if (argc != 7) {
    fprintf(stderr, "usage: router-advertiser <interface> <source> <prefix>/64 <lifetime> <count> <interval ms>\n");
    return 2;
  }
  const char* interface = argv[1];
  const unsigned seconds = (unsigned)atoi(argv[4]);
  const int socket_fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  if (socket_fd < 0) die("socket");

  struct sockaddr_in6 source = {.sin6_family = AF_INET6, .sin6_scope_id = if_nametoindex(interface)};
  if (source.sin6_scope_id == 0) die(interface);
  if (inet_pton(AF_INET6, argv[2], &source.sin6_addr) != 1) die(argv[2]);
  if (bind(socket_fd, (struct sockaddr*)&source, sizeof source) != 0) die("bind");
  // hosts treat what has crossed a router, which would have counted it down, as forged
  const int hops = 255;
  if (setsockopt(socket_fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) != 0) die("hop limit");
  const int index = (int)source.sin6_scope_id;
  if (setsockopt(socket_fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index) != 0) die("multicast interface");

  struct advertisement advertisement;
  memset(&advertisement, 0, sizeof advertisement);
  advertisement.router.nd_ra_type = ND_ROUTER_ADVERT;
  advertisement.router.nd_ra_curhoplimit = 64;
  advertisement.router.nd_ra_router_lifetime = htons((uint16_t)seconds);
  advertisement.prefix.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION;
  advertisement.prefix.nd_opt_pi_len = sizeof advertisement.prefix / 8;
  advertisement.prefix.nd_opt_pi_prefix_len = 64;
  advertisement.prefix.nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO;
  advertisement.prefix.nd_opt_pi_valid_time = advertisement.prefix.nd_opt_pi_preferred_time = htonl(1800);
  char prefix[INET6_ADDRSTRLEN] = {0};
  strncpy(prefix, argv[3], strcspn(argv[3], "/") < sizeof prefix ? strcspn(argv[3], "/") : sizeof prefix - 1);
  if (inet_pton(AF_INET6, prefix, &advertisement.prefix.nd_opt_pi_prefix) != 1) die(argv[3]);
  advertisement.link_address_header.nd_opt_type = ND_OPT_SOURCE_LINKADDR;
  advertisement.link_address_header.nd_opt_len = 1;
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strncpy(request.ifr_name, interface, sizeof request.ifr_name - 1);
  if (ioctl(socket_fd, SIOCGIFHWADDR, &request) != 0) die("hardware address");
  memcpy(advertisement.link_address, request.ifr_hwaddr.sa_data, sizeof advertisement.link_address);

  struct sockaddr_in6 all_nodes = {.sin6_family = AF_INET6, .sin6_scope_id = source.sin6_scope_id};
  inet_pton(AF_INET6, "ff02::1", &all_nodes.sin6_addr);
  for (int left = atoi(argv[5]); left > 0; --left) {
    if (sendto(socket_fd, &advertisement, sizeof advertisement, 0, (struct sockaddr*)&all_nodes, sizeof all_nodes) < 0)
      die("send");
    if (left > 1) usleep((useconds_t)atoi(argv[6]) * 1000);
  }
  return 0;
}
