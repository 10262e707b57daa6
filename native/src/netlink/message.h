#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "sys/ip.h"

namespace nl {

class Nest;

/// One netlink message under construction: header, the family's own fixed header, attributes.
class Message {
 public:
  template <class Header>
  Message(uint16_t type, uint16_t flags, const Header& header) {
    nlmsghdr base{};
    base.nlmsg_type = type;
    base.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    append(&base, sizeof base);
    append(&header, sizeof header);
  }

  void put(uint16_t type, const void* data, size_t size);
  /// Appends a string with a NUL, which the kernel requires.
  void put_string(uint16_t type, const std::string& text) { put(type, text.c_str(), text.size() + 1); }
  void put_u8(uint16_t type, uint8_t value) { put(type, &value, sizeof value); }
  void put_u32(uint16_t type, uint32_t value) { put(type, &value, sizeof value); }
  void put_be32(uint16_t type, uint32_t value) { put_u32(type, __builtin_bswap32(value)); }
  void put_ip(uint16_t type, const sys::IpAddress& ip) { put(type, ip.bytes.data(), ip.size()); }

  /// Opens a nested attribute, which ends when the result goes out of scope.
  [[nodiscard]] Nest nest(uint16_t type);
  /// Appends bytes without an attribute header: a fixed header inside a nest (VETH_INFO_PEER).
  void append(const void* data, size_t size);

  void set_sequence(uint32_t sequence) { header().nlmsg_seq = sequence; }
  void add_flags(uint16_t flags) { header().nlmsg_flags |= flags; }
  uint16_t flags() const { return reinterpret_cast<const nlmsghdr*>(bytes_.data())->nlmsg_flags; }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  friend class Nest;
  nlmsghdr& header() { return *reinterpret_cast<nlmsghdr*>(bytes_.data()); }

  std::vector<uint8_t> bytes_;
};

/// A nested attribute, whose length is written when the scope ends.
class Nest {
 public:
  Nest(Message& message, uint16_t type);
  Nest(const Nest&) = delete;
  Nest& operator=(const Nest&) = delete;
  ~Nest();

 private:
  Message& message_;
  size_t start_;
};

inline Nest Message::nest(uint16_t type) { return {*this, type}; }

}  // namespace nl
