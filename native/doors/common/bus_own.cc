#include "common/bus_own.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <vector>

#include "common/wire.h"

using nlohmann::json;
using std::string_view;

namespace door {

namespace {

/// The server has not forwarded the request.
struct Declined : NotServed {
  using NotServed::NotServed;
};

constexpr string_view scheme = "nats://";
/// The highest limit that a server can have.
constexpr size_t most_payload_bytes = 64 * 1024 * 1024;

bool starts_with(string_view text, string_view start) { return text.substr(0, start.size()) == start; }

/// Parses a number from 0 to `most`; nothing if the text is not one.
std::optional<size_t> number(string_view text, size_t most) {
  size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

std::vector<string_view> words_of(string_view line) {
  std::vector<string_view> words;
  for (size_t at = 0; (at = line.find_first_not_of(" \t", at)) != line.npos;) {
    const size_t end = std::min(line.find_first_of(" \t", at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

/// Makes an inbox that cannot be guessed: a process that knew it could answer in place of the daemon. On the daemon's
/// own server a role receives replies below its own inbox only.
std::string fresh_inbox(const std::string& prefix) { return prefix + "." + fresh_token(); }

std::string connect_line(const Address& address) {
  const json options = {
      {"verbose", false},    {"pedantic", false},     {"user", address.user}, {"pass", address.password},
      {"name", client_name}, {"lang", "c++"},         {"protocol", 1},        {"version", NETLOOM_VERSION},
      {"headers", true},     {"no_responders", true},
  };
  return "CONNECT " + options.dump() + "\r\n";
}

/// Parses headers: `NATS/1.0 503` is an answer of the server itself; a service marks a failure by a header.
Reply reply_in(string_view headers, string_view body, const Wire& wire) {
  if (starts_with(headers, "NATS/1.0 503")) throw Declined(wire.failure("no daemon serves this node"));
  const bool is_fault = headers.find("\r\nNats-Service-Error-Code:") != headers.npos;
  return {std::string(body), is_fault};
}

/// Parses `MSG <subject> <sid> [reply-to] <bytes>` and `HMSG <subject> <sid> [reply-to] <header bytes> <bytes>`.
Reply read_message(Wire& wire, const std::vector<string_view>& words) {
  const bool has_headers = words[0] == "HMSG";
  if (words.size() < (has_headers ? 5u : 4u)) wire.fail("a message without a length");
  const std::optional<size_t> length = number(words.back(), most_payload_bytes);
  const std::optional<size_t> headers = has_headers ? number(words[words.size() - 2], length.value_or(0)) : 0;
  if (!length || !headers) wire.fail("a message without a valid length");
  const string_view block = wire.block(*length);
  return reply_in(block.substr(0, *headers), block.substr(*headers), wire);
}

/// Reads the greeting, which the server sends first, and returns the largest payload that it accepts.
size_t read_greeting(Wire& wire) {
  const string_view line = wire.line();
  if (!starts_with(line, "INFO ")) wire.fail("not a NATS server");
  const json info = json::parse(line.substr(5), nullptr, false);
  if (!info.is_object()) wire.fail("not a NATS server");
  const auto most = info.find("max_payload");
  return most != info.end() && most->is_number_unsigned() ? most->get<size_t>() : most_payload_bytes;
}

/// Checks for the errors by which a server refuses a connection or a request; other errors come later.
bool is_declined(string_view error) {
  return starts_with(error, "'Authorization Violation") || starts_with(error, "'Permissions Violation") ||
         starts_with(error, "'User Authentication") || starts_with(error, "'maximum ");
}

[[noreturn]] void fail_by(string_view error, const Wire& wire) {
  const std::string failure = wire.failure("the NATS server reports " + std::string(error));
  if (is_declined(error)) throw Declined(failure);
  throw NotServed(failure);
}

Reply read_reply(Wire& wire) {
  for (;;) {
    const string_view line = wire.line();
    const std::vector<string_view> words = words_of(line);
    const string_view verb = words.empty() ? "" : words[0];
    if (verb == "MSG" || verb == "HMSG") return read_message(wire, words);
    if (verb == "PING") {
      wire.send("PONG\r\n");
    } else if (verb == "-ERR") {
      fail_by(line.substr(std::min<size_t>(5, line.size())), wire);
    } else if (verb != "INFO" && verb != "PONG" && verb != "+OK") {
      wire.fail("something that is not NATS");
    }
  }
}

}  // namespace

std::optional<Loopback> own_server(const Address& address) {
  if (!address.written_by_daemon || address.user.empty() || !starts_with(address.url, scheme)) return std::nullopt;
  const std::string place = address.url.substr(scheme.size());
  const size_t colon = place.rfind(':');
  const std::string host = place.substr(0, colon);
  const std::optional<size_t> port = colon == place.npos ? std::nullopt : number(place.substr(colon + 1), 65'535);
  if (!port) return std::nullopt;
  Loopback loopback;
  if (host == "127.0.0.1" || host == "localhost") {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&loopback.address);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(*port));
    v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    loopback.length = sizeof *v4;
    return loopback;
  }
  if (host != "[::1]") return std::nullopt;
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&loopback.address);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(static_cast<uint16_t>(*port));
  v6->sin6_addr = in6addr_loopback;
  loopback.length = sizeof *v6;
  return loopback;
}

Reply request_own(const Loopback& server, const Address& address, const std::string& subject,
                  const std::string& payload) {
  Wire wire(reinterpret_cast<const sockaddr*>(&server.address), server.length, address.url, connect_ms);
  const size_t most_bytes = read_greeting(wire);
  if (payload.size() > most_bytes)
    wire.fail("a request of " + std::to_string(payload.size()) + " bytes, of which at most " +
              std::to_string(most_bytes) + " are taken");
  wire.set_deadline(answer_ms);
  const std::string inbox = fresh_inbox(address.inbox_prefix);
  try {
    // in one write: the server handles them in this order; the PONG is not awaited
    wire.send(connect_line(address) + "SUB " + inbox + " 1\r\nPUB " + subject + " " + inbox + " " +
              std::to_string(payload.size()) + "\r\n" + payload + "\r\n");
    return read_reply(wire);
  } catch (const Declined&) {
    throw;
  } catch (const NotServed& lost) {
    throw Unanswered(lost.what());
  }
}

}  // namespace door
