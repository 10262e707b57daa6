#include "rtnl/address.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace rtnl {
namespace {

ifaddrmsg address_header(const sys::IpPrefix& prefix, uint32_t link_index) {
  ifaddrmsg header{};
  header.ifa_family = static_cast<uint8_t>(prefix.address.family);
  header.ifa_prefixlen = prefix.length;
  header.ifa_scope = RT_SCOPE_UNIVERSE;
  header.ifa_index = link_index;
  return header;
}

/// Sets all host bits. Only for IPv4 prefixes with a broadcast address (RFC 3021: /31 has none).
sys::IpAddress broadcast_of(const sys::IpPrefix& prefix) {
  sys::IpAddress broadcast = prefix.address;
  for (size_t bit = prefix.length; bit < 32; ++bit) broadcast.bytes[bit / 8] |= static_cast<uint8_t>(0x80 >> bit % 8);
  return broadcast;
}

nl::Message address_message(uint16_t type, uint16_t flags, const sys::IpPrefix& prefix, uint32_t link_index) {
  nl::Message message(type, flags, address_header(prefix, link_index));
  message.put_ip(IFA_LOCAL, prefix.address);
  message.put_ip(IFA_ADDRESS, prefix.address);
  return message;
}

}  // namespace

nl::Message add_address(const AddAddress& add, uint32_t link_index) {
  nl::Message message = address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, add.address, link_index);
  const bool broadcasts = add.address.address.family == AF_INET && add.address.length < 31;
  if (broadcasts) message.put_ip(IFA_BROADCAST, broadcast_of(add.address));
  if (add.no_dad) message.put_u32(IFA_FLAGS, IFA_F_NODAD);
  return message;
}

nl::Message delete_address(const DeleteAddress& gone, uint32_t link_index) {
  return address_message(RTM_DELADDR, 0, gone.address, link_index);
}

}  // namespace rtnl
