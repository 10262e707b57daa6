#include "netlink/attributes.h"

#include <algorithm>

namespace nl {

Attributes::Iterator::Iterator(const uint8_t* at, size_t left) : at_(at), left_(left) { read(); }

Attributes::Iterator& Attributes::Iterator::operator++() {
  const size_t step = std::min<size_t>(NLA_ALIGN(current_.size + NLA_HDRLEN), left_);
  at_ += step;
  left_ -= step;
  read();
  return *this;
}

void Attributes::Iterator::read() {
  nlattr header{};
  if (left_ >= NLA_HDRLEN) std::memcpy(&header, at_, sizeof header);
  if (header.nla_len < NLA_HDRLEN || header.nla_len > left_) {
    left_ = 0;
    return;
  }
  current_ = {static_cast<uint16_t>(header.nla_type & NLA_TYPE_MASK), at_ + NLA_HDRLEN,
              static_cast<size_t>(header.nla_len - NLA_HDRLEN)};
}

std::optional<Attribute> Attributes::find(uint16_t type) const {
  for (const Attribute& attribute : *this) {
    if (attribute.type == type) return attribute;
  }
  return std::nullopt;
}

std::string Attributes::string(uint16_t type) const {
  const auto found = find(type);
  return found ? found->string() : std::string();
}

}  // namespace nl
