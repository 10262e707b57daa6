#include "nft/notice.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <tuple>

#include "netlink/attributes.h"
#include "nft/message.h"

namespace nft {
namespace {

Notice read(const nlmsghdr& message, Subject subject, bool gone, uint16_t table, int name) {
  const auto attributes = nl::Attributes::after<nfgenmsg>(message);
  return {subject, gone, attributes.string(table), name < 0 ? "" : attributes.string(static_cast<uint16_t>(name))};
}

}  // namespace

bool Notice::operator==(const Notice& other) const {
  return std::tie(subject, gone, table, name) == std::tie(other.subject, other.gone, other.table, other.name);
}

std::optional<Notice> parse_notice(const nlmsghdr& message) {
  switch (const int kind = kind_of(message)) {
    case NFT_MSG_NEWTABLE:
    case NFT_MSG_DELTABLE:
      return read(message, Subject::table, kind == NFT_MSG_DELTABLE, NFTA_TABLE_NAME, -1);
    case NFT_MSG_NEWCHAIN:
    case NFT_MSG_DELCHAIN:
      return read(message, Subject::chain, kind == NFT_MSG_DELCHAIN, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME);
    case NFT_MSG_NEWRULE:
    case NFT_MSG_DELRULE:
      return read(message, Subject::rule, kind == NFT_MSG_DELRULE, NFTA_RULE_TABLE, NFTA_RULE_CHAIN);
    case NFT_MSG_NEWSET:
    case NFT_MSG_DELSET:
      return read(message, Subject::set, kind == NFT_MSG_DELSET, NFTA_SET_TABLE, NFTA_SET_NAME);
    case NFT_MSG_NEWSETELEM:
    case NFT_MSG_DELSETELEM:
      return read(message, Subject::element, kind == NFT_MSG_DELSETELEM, NFTA_SET_ELEM_LIST_TABLE,
                  NFTA_SET_ELEM_LIST_SET);
    default:
      return std::nullopt;
  }
}

}  // namespace nft
