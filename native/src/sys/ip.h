#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace sys {

struct IpAddress {
  int family;  // AF_INET or AF_INET6
  std::array<uint8_t, 16> bytes{};

  size_t size() const;
  std::string text() const;
};

/// "10.88.0.2/16" as an interface address (host bits kept) or as a route's destination.
struct IpPrefix {
  IpAddress address;
  uint8_t length;

  std::string text() const;
};

std::optional<IpAddress> parse_ip(const std::string& text);
std::optional<IpPrefix> parse_prefix(const std::string& text);
/// Reads an address from `size` raw bytes (4 or 16); nothing for other sizes.
std::optional<IpAddress> ip_from_bytes(const uint8_t* data, size_t size);
/// 0.0.0.0 or ::
IpAddress any_address(int family);

}  // namespace sys
