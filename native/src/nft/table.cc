#include "nft/table.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "netlink/attributes.h"
#include "nft/batch.h"
#include "nft/message.h"

namespace nft {
namespace {

constexpr char kInspect[] = "inspect table";

/// Checks for a set that the kernel named, such as "{ 22, 80 }" within a rule.
bool is_anonymous_set(const nlmsghdr& message) {
  const auto flags = nl::Attributes::after<nfgenmsg>(message).find(NFTA_SET_FLAGS);
  return kind_of(message) == NFT_MSG_NEWSET && flags && (flags->be32() & NFT_SET_ANONYMOUS) != 0;
}

/// Lists the string attribute `name` of all objects of one kind in the table. The kernel filters rules and sets by
/// table, but not chains, so this is also done here.
std::vector<std::string> list_names(nl::Socket& socket, int get, int kind, uint16_t table_attribute, const Table& table,
                                    uint16_t name) {
  nl::Message request = message(table.family, static_cast<uint16_t>(get), NLM_F_DUMP);
  request.put_string(table_attribute, table.name);
  const auto parse = [&](const nlmsghdr& answer) -> std::optional<std::string> {
    const auto attributes = nl::Attributes::after<nfgenmsg>(answer);
    if (is_anonymous_set(answer)) return std::nullopt;
    if (kind_of(answer) != kind || attributes.string(table_attribute) != table.name) return std::nullopt;
    return attributes.string(name);
  };
  return nl::collect(socket, request, kInspect, parse);
}

}  // namespace

std::vector<std::string> list_tables(nl::Socket& socket, Family family) {
  const auto name = [](const nlmsghdr& answer) -> std::optional<std::string> {
    if (kind_of(answer) != NFT_MSG_NEWTABLE) return std::nullopt;
    return nl::Attributes::after<nfgenmsg>(answer).string(NFTA_TABLE_NAME);
  };
  return nl::collect(socket, message(family, NFT_MSG_GETTABLE, NLM_F_DUMP), "list tables", name);
}

std::optional<TableContents> inspect_table(nl::Socket& socket, const Table& table) {
  const auto names = [&](int get, int kind, uint16_t table_attribute, uint16_t name) {
    return list_names(socket, get, kind, table_attribute, table, name);
  };
  TableContents contents;
  for (const auto& chain : names(NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME)) {
    contents.chains[chain] = 0;
  }
  for (const auto& chain : names(NFT_MSG_GETRULE, NFT_MSG_NEWRULE, NFTA_RULE_TABLE, NFTA_RULE_CHAIN)) {
    ++contents.chains[chain];
  }
  try {
    // Last, because only this query reports a missing table, which may have been deleted meanwhile.
    contents.sets = names(NFT_MSG_GETSET, NFT_MSG_NEWSET, NFTA_SET_TABLE, NFTA_SET_NAME);
  } catch (const sys::SysError& error) {
    if (error.error() == ENOENT) return std::nullopt;
    throw;
  }
  return contents;
}

bool delete_table(nl::Socket& socket, const Table& table) {
  std::vector<nl::Message> one{message(table.family, NFT_MSG_DELTABLE, 0)};
  one.front().put_string(NFTA_TABLE_NAME, table.name);
  const nl::Fault fault = transact(socket, std::move(one), "delete table").front();
  if (fault && fault->error() != ENOENT) throw *fault;
  return !fault;
}

}  // namespace nft
