#pragma once

#include <string>
#include <vector>

#include "sys/ip.h"

namespace sys {

/// Announces the MAC address of the link's addresses to every neighbour of `link`, in the namespace at `path`, once.
/// Equivalent to: arping -U -c 1 -I <link> <address> (IPv4), ndsend <address> <link> (IPv6).
/// Throws ENOENT without that namespace, ENODEV without that link, ENETDOWN if it is down.
void announce_addresses(const std::string& path, const std::string& link, const std::vector<IpAddress>& addresses);

}  // namespace sys
