#include "nft/message.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

namespace nft {

static_assert(static_cast<int>(Family::inet) == NFPROTO_INET && static_cast<int>(Family::bridge) == NFPROTO_BRIDGE);

nl::Message message(Family family, uint16_t type, uint16_t flags) {
  const nfgenmsg header{static_cast<uint8_t>(family), NFNETLINK_V0, 0};
  return {static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type), flags, header};
}

int kind_of(const nlmsghdr& message) {
  if (NFNL_SUBSYS_ID(message.nlmsg_type) != NFNL_SUBSYS_NFTABLES) return -1;
  const Family family = family_of(message);
  if (family != Family::inet && family != Family::bridge) return -1;
  return NFNL_MSG_TYPE(message.nlmsg_type);
}

Family family_of(const nlmsghdr& message) {
  return static_cast<Family>(static_cast<const nfgenmsg*>(NLMSG_DATA(&message))->nfgen_family);
}

}  // namespace nft
