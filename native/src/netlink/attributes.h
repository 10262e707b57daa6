#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

namespace nl {

class Attributes;

/// A received attribute, which points into its datagram.
struct Attribute {
  uint16_t type;
  const uint8_t* data;
  size_t size;

  /// Reads a T, with zeroes for bytes that were not sent: newer kernels append fields to their structures.
  template <class T>
  T as() const {
    T value{};
    std::memcpy(&value, data, size < sizeof value ? size : sizeof value);
    return value;
  }
  uint32_t be32() const { return __builtin_bswap32(as<uint32_t>()); }
  std::string string() const {
    return {reinterpret_cast<const char*>(data), strnlen(reinterpret_cast<const char*>(data), size)};
  }
  Attributes nested() const;
};

/// The attributes of one level, for iteration and search. Iteration ends at a malformed tail.
class Attributes {
 public:
  class Iterator {
   public:
    Iterator(const uint8_t* at, size_t left);
    const Attribute& operator*() const { return current_; }
    Iterator& operator++();
    bool operator!=(const Iterator& other) const { return left_ != other.left_; }

   private:
    void read();
    const uint8_t* at_;
    size_t left_;
    Attribute current_{};
  };

  Attributes(const void* data, size_t size) : data_(static_cast<const uint8_t*>(data)), size_(size) {}
  /// Returns the attributes behind the fixed header (ifinfomsg, nfgenmsg, …) of a message.
  template <class Header>
  static Attributes after(const nlmsghdr& message) {
    const size_t skip = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(Header));
    const auto* start = reinterpret_cast<const uint8_t*>(&message) + skip;
    return {start, message.nlmsg_len > skip ? message.nlmsg_len - skip : 0};
  }

  Iterator begin() const { return {data_, size_}; }
  Iterator end() const { return {nullptr, 0}; }
  std::optional<Attribute> find(uint16_t type) const;
  /// "": missing.
  std::string string(uint16_t type) const;
  template <class T>
  std::optional<T> value(uint16_t type) const {
    const auto found = find(type);
    return found ? std::optional<T>(found->as<T>()) : std::nullopt;
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

inline Attributes Attribute::nested() const { return {data, size}; }

}  // namespace nl
