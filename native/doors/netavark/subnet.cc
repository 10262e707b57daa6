#include "netavark/subnet.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace door {

namespace {

/// Returns the bits of an address, the highest one first; empty if the text is not a valid address.
std::vector<bool> bits_of(const std::string& address) {
  unsigned char bytes[16];
  const bool is_v6 = address.find(':') != std::string::npos;
  if (inet_pton(is_v6 ? AF_INET6 : AF_INET, address.c_str(), bytes) != 1) return {};
  std::vector<bool> bits(is_v6 ? 128 : 32);
  for (size_t at = 0; at < bits.size(); at++) bits[at] = bytes[at / 8] >> (7 - at % 8) & 1;
  return bits;
}

}  // namespace

bool subnet_has(const std::string& subnet, const std::string& ipnet) {
  const size_t slash = subnet.find('/');
  if (slash == std::string::npos) return false;
  const std::vector<bool> net = bits_of(subnet.substr(0, slash)), address = bits_of(ipnet.substr(0, ipnet.find('/')));
  const size_t prefix = std::strtoul(subnet.c_str() + slash + 1, nullptr, 10);
  return !net.empty() && net.size() == address.size() && prefix <= net.size() &&
         std::equal(net.begin(), net.begin() + static_cast<std::ptrdiff_t>(prefix), address.begin());
}

}  // namespace door
