#include "nft/message.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

namespace nft {

nl::Message message(uint16_t type, uint16_t flags) {
  const nfgenmsg header{NFPROTO_INET, NFNETLINK_V0, 0};
  return {static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type), flags, header};
}

int kind_of(const nlmsghdr& message) {
  if (NFNL_SUBSYS_ID(message.nlmsg_type) != NFNL_SUBSYS_NFTABLES) return -1;
  if (static_cast<const nfgenmsg*>(NLMSG_DATA(&message))->nfgen_family != NFPROTO_INET) return -1;
  return NFNL_MSG_TYPE(message.nlmsg_type);
}

}  // namespace nft
