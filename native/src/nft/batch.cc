#include "nft/batch.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

namespace nft {
namespace {

nl::Message boundary(uint16_t type) {
  const nfgenmsg header{AF_UNSPEC, NFNETLINK_V0, htons(NFNL_SUBSYS_NFTABLES)};
  return {type, 0, header};
}

class Datagram {
 public:
  uint32_t add(nl::Socket& socket, nl::Message message) {
    const uint32_t sequence = socket.next_sequence();
    message.set_sequence(sequence);
    bytes_.insert(bytes_.end(), message.bytes().begin(), message.bytes().end());
    return sequence;
  }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

/// The kernel's answers: errors, which are always sent, and the acknowledgement of the last message, which shows that
/// none was lost.
struct Answers {
  std::vector<nl::Fault> faults;
  nl::Fault whole;
  bool acknowledged = false;
  bool refused = false;

  void take(const nlmsghdr& message, uint32_t begin, const std::string& op) {
    if (message.nlmsg_type != NLMSG_ERROR) return;
    const uint32_t index = message.nlmsg_seq - begin - 1;
    const nl::Fault fault = nl::fault_of(message, op);
    if (message.nlmsg_seq == begin && fault) whole = fault;
    if (index >= faults.size()) return;
    if (!fault && index + 1 == faults.size()) acknowledged = true;
    if (!fault || faults[index]) return;
    faults[index] = fault;
    refused = true;
  }
};

/// Ignores ENOBUFS: more errors than fit, of which the first ones were kept, and the rest is not needed.
bool receive(nl::Socket& socket, const std::string& op, const nl::Visitor& visit) {
  try {
    return socket.receive(op, visit);
  } catch (const sys::SysError& error) {
    if (error.error() != ENOBUFS) throw;
    return true;
  }
}

}  // namespace

std::vector<nl::Fault> transact(nl::Socket& socket, std::vector<nl::Message> messages, const std::string& op) {
  if (messages.empty()) return {};
  Datagram datagram;
  const uint32_t begin = datagram.add(socket, boundary(NFNL_MSG_BATCH_BEGIN));
  messages.back().add_flags(NLM_F_ACK);
  for (nl::Message& message : messages) datagram.add(socket, std::move(message));
  datagram.add(socket, boundary(NFNL_MSG_BATCH_END));
  socket.send(datagram.bytes(), op);

  Answers answers;
  answers.faults.resize(messages.size());
  while (receive(socket, op, [&](const nlmsghdr& message) { answers.take(message, begin, op); })) continue;
  if (answers.whole) throw *answers.whole;
  if (!answers.refused && !answers.acknowledged) throw sys::SysError(op, ENOBUFS, "no answer");
  return std::move(answers.faults);
}

}  // namespace nft
