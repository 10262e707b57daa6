#include "netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint32_t last_sequence;

static struct nlmsghdr* header_of(struct batch* batch) { return (struct nlmsghdr*)(batch->bytes + batch->message); }

void batch_clear(struct batch* batch) {
  batch->used = 0;
  batch->count = 0;
  batch->first = last_sequence + 1;
}

/* Everything in a message is padded to four bytes. */
void append(struct batch* batch, const void* data, size_t size) {
  memcpy(batch->bytes + batch->used, data, size);
  memset(batch->bytes + batch->used + size, 0, NLMSG_ALIGN(size) - size);
  batch->used += NLMSG_ALIGN(size);
  header_of(batch)->nlmsg_len = batch->used - batch->message;
}

void message_begin(struct batch* batch, uint16_t type, uint16_t flags, const void* header, size_t size) {
  batch->message = batch->used;
  batch->count++;
  const struct nlmsghdr base = {.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = ++last_sequence};
  append(batch, &base, sizeof base);
  append(batch, header, size);
}

void put(struct batch* batch, uint16_t type, const void* data, size_t size) {
  const struct nlattr attribute = {.nla_len = NLA_HDRLEN + size, .nla_type = type};
  append(batch, &attribute, sizeof attribute);
  append(batch, data, size);
}

void put_u32(struct batch* batch, uint16_t type, uint32_t value) { put(batch, type, &value, sizeof value); }
void put_u8(struct batch* batch, uint16_t type, uint8_t value) { put(batch, type, &value, sizeof value); }
void put_string(struct batch* batch, uint16_t type, const char* text) { put(batch, type, text, strlen(text) + 1); }

size_t nest_begin(struct batch* batch, uint16_t type) {
  const size_t nest = batch->used;
  put(batch, NLA_F_NESTED | type, NULL, 0);
  return nest;
}

void nest_end(struct batch* batch, size_t nest) {
  ((struct nlattr*)(batch->bytes + nest))->nla_len = batch->used - nest;
}

int netlink_open(int protocol) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  const struct sockaddr_nl any = {.nl_family = AF_NETLINK};
  const int on = 1;
  if (fd < 0) return -1;
  /* without our own message in the answers they are 36 bytes each */
  if (setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on) == 0 &&
      bind(fd, (const struct sockaddr*)&any, sizeof any) == 0)
    return fd;
  close(fd);
  return -1;
}

static uint32_t answers_wanted(const struct batch* batch) {
  uint32_t wanted = 0;
  for (size_t at = 0; at < batch->used;) {
    const struct nlmsghdr* header = (const struct nlmsghdr*)(batch->bytes + at);
    if (header->nlmsg_flags & NLM_F_ACK) wanted++;
    at += NLMSG_ALIGN(header->nlmsg_len);
  }
  return wanted;
}

int netlink_perform(int fd, struct batch* batch) {
  uint32_t wanted = answers_wanted(batch);
  if (send(fd, batch->bytes, batch->used, 0) < 0) return errno;
  int failure = 0;
  /* a refused message is answered unasked, and the messages after it in the transaction are not answered */
  while (wanted > 0) {
    uint8_t bytes[8192];
    const ssize_t size = recv(fd, bytes, sizeof bytes, failure ? MSG_DONTWAIT : 0);
    if (size < 0) return failure ? failure : errno;
    unsigned left = size;
    for (const struct nlmsghdr* at = (const struct nlmsghdr*)bytes; NLMSG_OK(at, left); at = NLMSG_NEXT(at, left)) {
      if (at->nlmsg_type != NLMSG_ERROR || at->nlmsg_seq - batch->first >= batch->count) continue;
      const int error = -((const struct nlmsgerr*)NLMSG_DATA(at))->error;
      if (error && !failure) failure = error;
      if (wanted > 0) wanted--;
    }
  }
  return failure;
}
