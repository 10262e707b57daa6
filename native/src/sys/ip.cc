#include "sys/ip.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace sys {

size_t IpAddress::size() const { return family == AF_INET ? 4 : 16; }

std::string IpAddress::text() const {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(family, bytes.data(), text, sizeof text);
}

std::string IpPrefix::text() const { return address.text() + "/" + std::to_string(length); }

std::optional<IpAddress> parse_ip(const std::string& text) {
  IpAddress address{text.find(':') == std::string::npos ? AF_INET : AF_INET6};
  if (inet_pton(address.family, text.c_str(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

std::optional<IpPrefix> parse_prefix(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto address = parse_ip(text.substr(0, slash));
  uint8_t length = 0;
  const char *first = text.data() + slash + 1, *last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, length);
  if (!address || error != std::errc() || end != last || length > address->size() * 8) return std::nullopt;
  return IpPrefix{*address, length};
}

std::optional<IpAddress> ip_from_bytes(const uint8_t* data, size_t size) {
  if (size != 4 && size != 16) return std::nullopt;
  IpAddress address{size == 4 ? AF_INET : AF_INET6};
  std::memcpy(address.bytes.data(), data, size);
  return address;
}

IpAddress any_address(int family) { return IpAddress{family}; }

}  // namespace sys
