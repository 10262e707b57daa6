#include "nft/table.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "netlink/attributes.h"
#include "nft/batch.h"
#include "nft/message.h"

namespace nft {

std::vector<std::string> list_tables(nl::Socket& socket) {
  const auto name = [](const nlmsghdr& answer) -> std::optional<std::string> {
    if (kind_of(answer) != NFT_MSG_NEWTABLE) return std::nullopt;
    return nl::Attributes::after<nfgenmsg>(answer).string(NFTA_TABLE_NAME);
  };
  return nl::collect(socket, message(NFT_MSG_GETTABLE, NLM_F_DUMP), "list tables", name);
}

bool delete_table(nl::Socket& socket, const std::string& table) {
  std::vector<nl::Message> one{message(NFT_MSG_DELTABLE, 0)};
  one.front().put_string(NFTA_TABLE_NAME, table);
  const nl::Fault fault = transact(socket, std::move(one), "delete table").front();
  if (fault && fault->error() != ENOENT) throw *fault;
  return !fault;
}

}  // namespace nft
