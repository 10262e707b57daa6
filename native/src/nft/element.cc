#include "nft/element.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <iterator>

#include "netlink/attributes.h"
#include "nft/batch.h"
#include "nft/message.h"

namespace nft {
namespace {

// From libnftnl's udata.h: the first TLV (one byte type, one byte length) that `nft` shows as the comment.
constexpr uint8_t kCommentTlv = 0;

void put_data(nl::Message& message, uint16_t type, const Bytes& value) {
  auto data = message.nest(type);
  message.put(NFTA_DATA_VALUE, value.data(), value.size());
}

void put_comment(nl::Message& message, const std::string& comment) {
  Bytes tlv{kCommentTlv, static_cast<uint8_t>(comment.size() + 1)};
  tlv.insert(tlv.end(), comment.c_str(), comment.c_str() + comment.size() + 1);
  message.put(NFTA_SET_ELEM_USERDATA, tlv.data(), tlv.size());
}

void put_element(nl::Message& message, const Element& element) {
  auto list = message.nest(NFTA_SET_ELEM_LIST_ELEMENTS);
  auto item = message.nest(NFTA_LIST_ELEM);
  if (element.interval_end) message.put_be32(NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
  put_data(message, NFTA_SET_ELEM_KEY, element.key);
  if (element.key_end) put_data(message, NFTA_SET_ELEM_KEY_END, *element.key_end);
  if (element.data) put_data(message, NFTA_SET_ELEM_DATA, *element.data);
  if (element.comment) put_comment(message, *element.comment);
}

struct VerbWords {
  uint16_t type, flags;
  const char* op;
};

const VerbWords& words_of(Verb verb) {
  static constexpr VerbWords words[] = {{NFT_MSG_NEWSETELEM, NLM_F_CREATE, "add element"},
                                        {NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, "create element"},
                                        {NFT_MSG_DELSETELEM, 0, "delete element"}};
  return words[static_cast<size_t>(verb)];
}

/// Makes one message per change, so that an error of the kernel identifies the change.
nl::Message change_message(const std::string& table, const Change& change) {
  const VerbWords& words = words_of(change.verb);
  nl::Message result = message(change.element.family, words.type, words.flags);
  result.put_string(NFTA_SET_ELEM_LIST_TABLE, table);
  result.put_string(NFTA_SET_ELEM_LIST_SET, change.element.set);
  put_element(result, change.element);
  return result;
}

std::optional<Bytes> data_of(const nl::Attributes& element, uint16_t type) {
  const auto data = element.find(type);
  const auto value = data ? data->nested().find(NFTA_DATA_VALUE) : std::nullopt;
  return value ? std::optional(Bytes(value->data, value->data + value->size)) : std::nullopt;
}

std::optional<std::string> comment_of(const nl::Attributes& element) {
  const auto userdata = element.find(NFTA_SET_ELEM_USERDATA);
  if (!userdata) return std::nullopt;
  const uint8_t *at = userdata->data, *end = at + userdata->size;
  for (; at + 2 <= end && at + 2 + at[1] <= end; at += 2 + at[1]) {
    const auto* text = reinterpret_cast<const char*>(at + 2);
    if (at[0] == kCommentTlv) return std::string(text, strnlen(text, at[1]));
  }
  return std::nullopt;
}

std::optional<Counter> read_counter(const nl::Attributes& expression) {
  if (expression.string(NFTA_EXPR_NAME) != "counter") return std::nullopt;
  const auto data = expression.find(NFTA_EXPR_DATA);
  if (!data) return std::nullopt;
  const auto number = [values = data->nested()](uint16_t type) {
    return __builtin_bswap64(values.value<uint64_t>(type).value_or(0));
  };
  return Counter{number(NFTA_COUNTER_PACKETS), number(NFTA_COUNTER_BYTES)};
}

/// One expression is sent by itself, several are sent as a list.
std::optional<Counter> counter_of(const nl::Attributes& element) {
  if (const auto one = element.find(NFTA_SET_ELEM_EXPR)) return read_counter(one->nested());
  const auto list = element.find(NFTA_SET_ELEM_EXPRESSIONS);
  if (!list) return std::nullopt;
  for (const nl::Attribute& item : list->nested()) {
    if (const auto counter = read_counter(item.nested())) return counter;
  }
  return std::nullopt;
}

Element parse_element(Family family, const std::string& set, const nl::Attributes& attributes) {
  const auto flags = attributes.find(NFTA_SET_ELEM_FLAGS);
  Element element{};
  element.set = set;
  element.key = data_of(attributes, NFTA_SET_ELEM_KEY).value_or(Bytes());
  element.key_end = data_of(attributes, NFTA_SET_ELEM_KEY_END);
  element.interval_end = flags && (flags->be32() & NFT_SET_ELEM_INTERVAL_END);
  element.data = data_of(attributes, NFTA_SET_ELEM_DATA);
  element.comment = comment_of(attributes);
  element.counter = counter_of(attributes);
  element.family = family;
  return element;
}

Element key_of(const Element& element) {
  Element key = element;
  key.data = std::nullopt;
  key.comment = std::nullopt;
  return key;
}

bool is_same(const Element& one, const Element& other) {
  return one.key == other.key && one.key_end == other.key_end && one.interval_end == other.interval_end &&
         one.data == other.data;
}

}  // namespace

std::vector<nl::Fault> change_elements(nl::Socket& socket, const std::string& table,
                                       const std::vector<Change>& changes) {
  std::vector<nl::Message> messages;
  messages.reserve(changes.size());
  for (const Change& change : changes) messages.push_back(change_message(table, change));
  auto faults = transact(socket, std::move(messages), "change elements");
  for (size_t i = 0; i < faults.size(); ++i) {
    if (faults[i]) faults[i] = sys::SysError(words_of(changes[i].verb).op, faults[i]->error(), faults[i]->detail());
  }
  return faults;
}

std::vector<Element> parse_elements(const nlmsghdr& message) {
  const auto attributes = nl::Attributes::after<nfgenmsg>(message);
  const auto list = attributes.find(NFTA_SET_ELEM_LIST_ELEMENTS);
  if (!list) return {};
  const std::string set = attributes.string(NFTA_SET_ELEM_LIST_SET);
  std::vector<Element> elements;
  for (const nl::Attribute& item : list->nested()) {
    elements.push_back(parse_element(family_of(message), set, item.nested()));
  }
  return elements;
}

std::vector<Element> list_elements(nl::Socket& socket, const Table& table, const std::string& set) {
  nl::Message request = message(table.family, NFT_MSG_GETSETELEM, NLM_F_DUMP);
  request.put_string(NFTA_SET_ELEM_LIST_TABLE, table.name);
  request.put_string(NFTA_SET_ELEM_LIST_SET, set);
  std::vector<Element> elements;
  const auto visit = [&](const nlmsghdr& answer) {
    if (kind_of(answer) != NFT_MSG_NEWSETELEM) return;
    auto more = parse_elements(answer);
    std::move(more.begin(), more.end(), std::back_inserter(elements));
  };
  socket.query(request, "list elements", visit, [&] { elements.clear(); });
  return elements;
}

bool has_element(nl::Socket& socket, const std::string& table, const Element& element) {
  nl::Message request = message(element.family, NFT_MSG_GETSETELEM, 0);
  request.put_string(NFTA_SET_ELEM_LIST_TABLE, table);
  request.put_string(NFTA_SET_ELEM_LIST_SET, element.set);
  put_element(request, key_of(element));
  bool found = false;
  const auto visit = [&](const nlmsghdr& answer) {
    // the kernel also finds an interval by a value inside it
    for (const Element& there : parse_elements(answer)) found = found || is_same(there, element);
  };
  try {
    socket.query(request, "get element", visit, [] {});
  } catch (const sys::SysError& error) {
    if (error.error() != ENOENT) throw;
  }
  return found;
}

}  // namespace nft
