#include "netlink/socket.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "netlink/attributes.h"

namespace nl {
namespace {

// The kernel limits a dump datagram to the size of the last receive buffer, and to 32 KiB.
constexpr size_t kBufferBytes = 65536;
// Limits, not allocations: a batch of 70,000 elements has 10 MB, its errors (one each) have 50 MB.
constexpr int kSendLimitBytes = 16 << 20, kReceiveLimitBytes = 64 << 20;
// Room for a busy event loop; a watcher that misses more gets an overrun and compares everything again.
constexpr int kNoticeLimitBytes = 4 << 20;
constexpr int kDumpAttempts = 16;

sys::UniqueFd open_socket(int protocol) {
  sys::UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!fd) sys::throw_errno("open netlink socket");
  sockaddr_nl any{};
  any.nl_family = AF_NETLINK;
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) != 0) sys::throw_errno("bind netlink socket");
  return fd;
}

/// Extended acknowledgements contain the kernel's message; capped ones do not repeat our request.
void configure(int fd, int receive_limit) {
  const int on = 1;
  setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &kSendLimitBytes, sizeof kSendLimitBytes);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_limit, sizeof receive_limit);
}

/// Returns the number of a message's namespace; nothing: none was assigned, as is usual for the socket's own namespace.
std::optional<uint32_t> origin_of(msghdr& header) {
  for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at)) {
    if (at->cmsg_level != SOL_NETLINK || at->cmsg_type != NETLINK_LISTEN_ALL_NSID) continue;
    uint32_t number;
    std::memcpy(&number, CMSG_DATA(at), sizeof number);
    return number;
  }
  return std::nullopt;
}

/// Reads the errno of an NLMSG_ERROR, or of the NLMSG_DONE that ends a dump; 0: success.
int error_of(const nlmsghdr& message) {
  int error = 0;
  if (message.nlmsg_len >= NLMSG_LENGTH(sizeof error)) std::memcpy(&error, NLMSG_DATA(&message), sizeof error);
  return -error;
}

std::string extended_text(const nlmsghdr& message) {
  if (message.nlmsg_type != NLMSG_ERROR || !(message.nlmsg_flags & NLM_F_ACK_TLVS)) return {};
  const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(&message));
  const bool capped = (message.nlmsg_flags & NLM_F_CAPPED) != 0;
  const size_t ours = capped ? sizeof error->msg : NLMSG_ALIGN(error->msg.nlmsg_len);
  const size_t skip = NLMSG_HDRLEN + sizeof error->error + ours;
  if (message.nlmsg_len <= skip) return {};
  return Attributes(reinterpret_cast<const uint8_t*>(&message) + skip, message.nlmsg_len - skip)
      .string(NLMSGERR_ATTR_MSG);
}

}  // namespace

Fault fault_of(const nlmsghdr& message, const std::string& op) {
  const int error = error_of(message);
  if (error == 0) return std::nullopt;
  return sys::SysError(op, error, extended_text(message));
}

Socket::Socket(int protocol, const std::vector<int>& groups) : fd_(open_socket(protocol)) {
  configure(fd(), groups.empty() ? kReceiveLimitBytes : kNoticeLimitBytes);
  for (const int group : groups) {
    const int joined = setsockopt(fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group);
    if (joined != 0) sys::throw_errno("join netlink group", std::to_string(group));
  }
}

void Socket::hear_all_namespaces() {
  const int on = 1;
  if (setsockopt(fd(), SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on, sizeof on) != 0) sys::throw_errno("hear all netns");
}

void Socket::hear_deletions_only() {
  // The kinds of messages come in fours (new, delete, get, set). A filter loads two bytes as if they were big-endian.
  static_assert((RTM_DELLINK & 3) == 1 && (RTM_DELADDR & 3) == 1 && (RTM_DELROUTE & 3) == 1 && (RTM_DELNSID & 3) == 1);
  const uint32_t mask = htons(3), deletion = htons(1);
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_type)),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, deletion, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const sock_fprog filter{sizeof program / sizeof *program, program};
  if (setsockopt(fd(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) sys::throw_errno("filter notices");
}

void Socket::send(const std::vector<uint8_t>& bytes, const std::string& op) {
  if (bytes.size() > kSendLimitBytes) {
    const int wanted = static_cast<int>(bytes.size());
    setsockopt(fd(), SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof wanted);
  }
  while (::send(fd(), bytes.data(), bytes.size(), 0) < 0) {
    if (errno != EINTR) sys::throw_errno(op, "send to the kernel");
  }
}

/// Receives a datagram and returns its size, or -1 with errno; sets the origin from its ancillary data.
ssize_t Socket::receive_datagram(uint8_t* buffer, size_t capacity) {
  iovec part{buffer, capacity};
  alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int32_t))];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t size;
  do {
    size = recvmsg(fd(), &header, MSG_TRUNC);
  } while (size < 0 && errno == EINTR);
  origin_ = size < 0 ? std::nullopt : origin_of(header);
  return size;
}

bool Socket::receive(const std::string& op, const Visitor& visit) {
  // On the stack, so that a thousand idle sockets do not keep a thousand buffers.
  alignas(nlmsghdr) uint8_t buffer[kBufferBytes];
  const ssize_t size = receive_datagram(buffer, sizeof buffer);
  if (size < 0 && errno == EAGAIN) return false;
  if (size < 0) sys::throw_errno(op, "receive from the kernel");
  if (static_cast<size_t>(size) > sizeof buffer)
    throw sys::SysError(op, EMSGSIZE, "answer of " + std::to_string(size) + " bytes");
  auto left = static_cast<unsigned>(size);
  for (auto* at = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(at, left); at = NLMSG_NEXT(at, left)) visit(*at);
  return true;
}

void Socket::transact(Message message, const std::string& op) {
  std::vector<Operation> one;
  one.push_back({std::move(message), op});
  if (const Fault fault = perform(std::move(one)).front()) throw *fault;
}

std::vector<Fault> Socket::perform(std::vector<Operation> operations) {
  if (operations.empty()) return {};
  const uint32_t first = sequence_ + 1;
  std::vector<uint8_t> datagram;
  for (Operation& operation : operations) {
    operation.message.set_sequence(next_sequence());
    operation.message.add_flags(NLM_F_ACK);
    const auto& bytes = operation.message.bytes();
    datagram.insert(datagram.end(), bytes.begin(), bytes.end());
  }
  send(datagram, operations.front().op);

  std::vector<Fault> faults;
  for (const Operation& operation : operations) faults.push_back(sys::SysError(operation.op, ENOBUFS, "no answer"));
  const auto note = [&](const nlmsghdr& message) {
    const uint32_t index = message.nlmsg_seq - first;
    if (message.nlmsg_type == NLMSG_ERROR && index < faults.size())
      faults[index] = fault_of(message, operations[index].op);
  };
  while (receive(operations.front().op, note)) continue;
  return faults;
}

void Socket::query(const Message& request, const std::string& op, const Visitor& visit,
                   const std::function<void()>& restart) {
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    if (query_once(request, op, visit)) return;
    restart();
  }
  throw sys::SysError(op, EINTR, "the list kept changing while it was read");
}

/// false: something changed while the kernel dumped, so entries may be missing or doubled.
bool Socket::query_once(Message request, const std::string& op, const Visitor& visit) {
  const uint32_t sequence = next_sequence();
  request.set_sequence(sequence);
  // A get has one message and no end mark, so an acknowledgement is requested; a dump ends with NLMSG_DONE.
  if (!(request.flags() & NLM_F_DUMP)) request.add_flags(NLM_F_ACK);
  send(request.bytes(), op);
  bool ended = false, consistent = true;
  Fault fault;
  const auto take = [&](const nlmsghdr& message) {
    if (message.nlmsg_seq != sequence || ended) return;
    if (message.nlmsg_flags & NLM_F_DUMP_INTR) consistent = false;
    ended = message.nlmsg_type == NLMSG_ERROR || message.nlmsg_type == NLMSG_DONE;
    if (ended) fault = fault_of(message, op);
    if (!ended) visit(message);
  };
  while (!ended && receive(op, take)) continue;
  if (!ended) throw sys::SysError(op, ENOBUFS, "no answer");
  if (fault) throw *fault;
  return consistent;
}

}  // namespace nl
