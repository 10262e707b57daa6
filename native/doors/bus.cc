#include "bus.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>

#include "randomness.h"

using nlohmann::json;

namespace door {

namespace {

constexpr int64_t answer_ms = 60'000;
constexpr int64_t connect_ms = 5'000;
constexpr int recovering_tries = 200;
constexpr useconds_t recovering_pause_us = 50'000;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

struct Address {
  std::string url, node, user, password, creds;
};

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

Address discover() {
  Address address;
  const std::string named = environment("NETLOOM_CREDS");
  const std::string file = named.empty() ? run_directory() + "/credentials/operator.json" : named;
  if (ends_with(file, ".creds")) {
    address.creds = file;
  } else if (std::ifstream stream(file); stream) {
    const json credentials = json::parse(stream, nullptr, false);
    if (!credentials.is_object()) throw NotServed(file + " is no credentials file");
    address.url = credentials.value("url", "");
    address.node = credentials.value("node", "");
    address.user = credentials.value("user", "");
    address.password = credentials.value("password", "");
  }
  if (const std::string url = environment("NATS_URL"); !url.empty()) address.url = url;
  if (const std::string node = environment("NETLOOM_NODE"); !node.empty()) address.node = node;
  if (address.url.empty())
    throw NotServed("netloom's daemon is not running (" + file + " is not there): start it with `netloom daemon`");
  return address;
}

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  std::string first(name);
  first = first.substr(0, first.find('.'));
  for (char& letter : first)
    if (!isalnum(static_cast<unsigned char>(letter)) && letter != '-' && letter != '_') letter = '-';
  return first.empty() ? "localhost" : first;
}

struct DestroyOptions {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};
struct DestroyMessage {
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};

}  // namespace

std::string run_directory() {
  const std::string named = environment("NETLOOM_RUN_DIR");
  return named.empty() ? "/run/netloom" : named;
}

Bus::Bus() {
  draw_from_kernel();
  const Address address = discover();
  node_ = address.node.empty() ? host_name() : address.node;
  natsOptions* raw = nullptr;
  if (natsOptions_Create(&raw) != NATS_OK) throw NotServed("the NATS client library cannot be used");
  std::unique_ptr<natsOptions, DestroyOptions> options(raw);
  natsOptions_SetURL(raw, address.url.c_str());
  natsOptions_SetName(raw, "netloom netavark door");
  natsOptions_SetTimeout(raw, connect_ms);
  natsOptions_SetAllowReconnect(raw, false);
  // for one request: the threads that flush, ping and hand out answers would cost more than they do
  natsOptions_SetSendAsap(raw, true);
  natsOptions_SetPingInterval(raw, 0);
  natsOptions_UseOldRequestStyle(raw, true);
  if (!address.user.empty()) {
    natsOptions_SetUserInfo(raw, address.user.c_str(), address.password.c_str());
    // a role of the daemon's own server hears replies below its own inbox only
    natsOptions_SetCustomInboxPrefix(raw, ("_INBOX." + address.user).c_str());
  }
  if (!address.creds.empty()) natsOptions_SetUserCredentialsFromFiles(raw, address.creds.c_str(), nullptr);
  const natsStatus status = natsConnection_Connect(&connection_, raw);
  if (status == NATS_OK) return;
  throw NotServed("netloom's daemon does not answer: " + std::string(natsStatus_GetText(status)) + " at " +
                  address.url);
}

json Bus::request(const std::string& command, const json& payload) {
  const std::string subject = "netloom.v1." + node_ + "." + command;
  const std::string text = payload.dump();
  for (int attempt = 1;; attempt++) try {
      return request_once(subject, text);
    } catch (const Refused& refused) {
      if (refused.code == "node.draining") throw NotServed(refused.what());
      if (refused.code != "node.recovering" || attempt == recovering_tries) throw;
      usleep(recovering_pause_us);
    }
}

json Bus::request_once(const std::string& subject, const std::string& payload) {
  natsMsg* raw = nullptr;
  const natsStatus status = natsConnection_Request(&raw, connection_, subject.c_str(), payload.data(),
                                                   static_cast<int>(payload.size()), answer_ms);
  std::unique_ptr<natsMsg, DestroyMessage> message(raw);
  if (status == NATS_NO_RESPONDERS) throw NotServed("netloom's daemon is not running on node " + node_);
  if (status != NATS_OK) throw Refused("bus.failed", std::string("netloom's daemon: ") + natsStatus_GetText(status));
  const char* data = natsMsg_GetData(raw);
  const json answer = json::parse(data, data + natsMsg_GetDataLength(raw), nullptr, false);
  const char* code = nullptr;
  if (natsMsgHeader_Get(raw, "Nats-Service-Error-Code", &code) != NATS_OK) return answer;
  const bool told = answer.is_object() && answer.contains("code") && answer.contains("message");
  if (!told) throw Refused("bus.failed", "netloom's daemon answered with an error that says nothing");
  throw Refused(answer["code"], answer["message"]);
}

}  // namespace door
