#include "netlink/message.h"

#include <cerrno>

#include "sys/sys_error.h"

namespace nl {

void Message::append(const void* data, size_t size) {
  const auto* from = static_cast<const uint8_t*>(data);
  bytes_.insert(bytes_.end(), from, from + size);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  header().nlmsg_len = static_cast<uint32_t>(bytes_.size());
}

void Message::put(uint16_t type, const void* data, size_t size) {
  if (size > UINT16_MAX - NLA_HDRLEN) throw sys::SysError("build netlink message", EMSGSIZE);
  const nlattr attribute{static_cast<uint16_t>(NLA_HDRLEN + size), type};
  append(&attribute, sizeof attribute);
  append(data, size);
}

Nest::Nest(Message& message, uint16_t type) : message_(message), start_(message.bytes_.size()) {
  message_.put(static_cast<uint16_t>(type | NLA_F_NESTED), nullptr, 0);
}

Nest::~Nest() {
  auto* attribute = reinterpret_cast<nlattr*>(message_.bytes_.data() + start_);
  attribute->nla_len = static_cast<uint16_t>(message_.bytes_.size() - start_);
}

}  // namespace nl
