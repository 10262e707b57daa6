#include "nft/notice.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "netlink/attributes.h"
#include "nft/message.h"

namespace nft {
namespace {

std::vector<Notice> read(const nlmsghdr& message, Subject subject, bool gone, uint16_t table, int name) {
  const auto attributes = nl::Attributes::after<nfgenmsg>(message);
  const std::string text = name < 0 ? "" : attributes.string(static_cast<uint16_t>(name));
  return {{subject, gone, family_of(message), attributes.string(table), text, std::nullopt}};
}

std::vector<Notice> read_elements(const nlmsghdr& message, bool gone) {
  const std::string table = nl::Attributes::after<nfgenmsg>(message).string(NFTA_SET_ELEM_LIST_TABLE);
  std::vector<Notice> notices;
  for (Element& element : parse_elements(message)) {
    const std::string set = element.set;
    notices.push_back({Subject::element, gone, element.family, table, set, std::move(element)});
  }
  return notices;
}

}  // namespace

std::vector<Notice> parse_notices(const nlmsghdr& message) {
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
      return read_elements(message, kind == NFT_MSG_DELSETELEM);
    default:
      return {};
  }
}

}  // namespace nft
