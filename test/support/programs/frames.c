// Sends Ethernet frames as given, valid or not; or prints those that arrive.
//
//   frames send <interface> <frame in hex> …
//   frames hear <interface>
//
// `hear` prints "ready", then a line of hex for each frame, without its VLAN tag, until it is ended.
#define _GNU_SOURCE
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { most_bytes = 2048 };

static void die(const char* what) {
  perror(what);
  exit(1);
}

static size_t read_hex(const char* text, unsigned char* bytes) {
  size_t size = 0;
  for (; size < most_bytes && text[2 * size] != 0; ++size)
    if (sscanf(text + 2 * size, "%2hhx", &bytes[size]) != 1) return 0;
  return size;
}

// Frames that are queued on several processors arrive in any order.
static void stay_on_this_processor(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(sched_getcpu(), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) die("stay on a processor");
}

static void send_all(int socket_fd, char** frames, int count) {
  stay_on_this_processor();
  for (int index = 0; index < count; ++index) {
    unsigned char frame[most_bytes];
    const size_t size = read_hex(frames[index], frame);
    if (send(socket_fd, frame, size, 0) != (ssize_t)size) die("send");
  }
}

static void hear(int socket_fd) {
  puts("ready");
  fflush(stdout);
  for (;;) {
    unsigned char frame[most_bytes];
    const ssize_t size = recv(socket_fd, frame, sizeof frame, 0);
    if (size < 0) die("receive");
    for (ssize_t at = 0; at < size; ++at) printf("%02x", frame[at]);
    putchar('\n');
    fflush(stdout);
  }
}

int main(int argc, char** argv) {
  const int sends = argc > 3 && strcmp(argv[1], "send") == 0;
  if (!sends && (argc != 3 || strcmp(argv[1], "hear") != 0)) {
    fprintf(stderr, "usage: frames send <interface> <frame in hex> ... | frames hear <interface>\n");
    return 2;
  }
  const int socket_fd = socket(AF_PACKET, SOCK_RAW, sends ? 0 : htons(ETH_P_ALL));
  if (socket_fd < 0) die("socket");
  struct sockaddr_ll link = {.sll_family = AF_PACKET,
                             .sll_protocol = sends ? 0 : htons(ETH_P_ALL),
                             .sll_ifindex = (int)if_nametoindex(argv[2])};
  if (link.sll_ifindex == 0) die(argv[2]);
  if (bind(socket_fd, (struct sockaddr*)&link, sizeof link) != 0) die("bind");
  if (sends)
    send_all(socket_fd, argv + 3, argc - 3);
  else
    hear(socket_fd);
  return 0;
}
