#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Several netlink messages that go to the kernel in one send. */
struct batch {
  uint8_t bytes[8192];
  size_t used;
  /* where the message under construction begins */
  size_t message;
  uint32_t first, count;
};

void batch_clear(struct batch* batch);
void message_begin(struct batch* batch, uint16_t type, uint16_t flags, const void* header, size_t size);
void put(struct batch* batch, uint16_t type, const void* data, size_t size);
void put_u32(struct batch* batch, uint16_t type, uint32_t value);
void put_u8(struct batch* batch, uint16_t type, uint8_t value);
void put_string(struct batch* batch, uint16_t type, const char* text);
/* A fixed header inside a nest (VETH_INFO_PEER). */
void append(struct batch* batch, const void* data, size_t size);
size_t nest_begin(struct batch* batch, uint16_t type);
void nest_end(struct batch* batch, size_t nest);

/* A socket in the namespace of the calling thread; -1 with errno. */
int netlink_open(int protocol);
/* Sends the batch and reads an answer to every message that asks for one. Returns 0, or the kernel's first errno. */
int netlink_perform(int fd, struct batch* batch);
