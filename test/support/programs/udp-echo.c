/*
 * udp-echo PORT: answers each datagram with `<hostname> saw <address of the sender>`, over IPv4 and IPv6. Linked
 * statically, for it runs in containers that have nothing but busybox, whose static build has no server for UDP.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc != 2) errx(2, "usage: udp-echo PORT");
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0) err(1, "gethostname");

  struct sockaddr_in6 own = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(argv[1]))};
  const int fd = socket(AF_INET6, SOCK_DGRAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr*)&own, sizeof own) != 0) err(1, "bind");

  for (;;) {
    char datagram[1500], from[INET6_ADDRSTRLEN], answer[400];
    struct sockaddr_in6 peer;
    socklen_t size = sizeof peer;
    if (recvfrom(fd, datagram, sizeof datagram, 0, (struct sockaddr*)&peer, &size) < 0) continue;
    inet_ntop(AF_INET6, &peer.sin6_addr, from, sizeof from);
    const int length = snprintf(answer, sizeof answer, "%s saw %s\n", name, from);
    sendto(fd, answer, (size_t)length, 0, (struct sockaddr*)&peer, size);
  }
}
