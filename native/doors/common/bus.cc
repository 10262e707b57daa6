#include "common/bus.h"

#include <sys/random.h>
#include <unistd.h>

#include "common/bus_other.h"
#include "common/bus_own.h"

using nlohmann::json;

namespace door {

namespace {

constexpr int recovering_tries = 200;
constexpr useconds_t recovering_pause_us = 50'000;

/// Throws Refused, Unanswered.
json answer_in(const Reply& reply) {
  const json answer = json::parse(reply.text, nullptr, false);
  if (answer.is_discarded()) throw Unanswered("netloom's daemon sent an answer that is not valid JSON");
  if (!reply.is_fault) return answer;
  const auto text = [&](const char* field) {
    if (!answer.is_object() || !answer.contains(field) || !answer[field].is_string())
      throw Unanswered("netloom's daemon sent an error without a message");
    return answer[field].get<std::string>();
  };
  throw Refused(text("code"), text("message"));
}

}  // namespace

std::string fresh_token() {
  unsigned char bytes[16];
  if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) throw NotServed("the kernel has no random numbers");
  std::string token;
  for (const unsigned char byte : bytes) {
    token += "0123456789abcdef"[byte >> 4];
    token += "0123456789abcdef"[byte & 15];
  }
  return token;
}

Bus::Bus() : address_(discover()) {}

json Bus::request(const std::string& command, const json& payload) const {
  const std::string subject = "netloom.v1." + address_.node + "." + command;
  const std::string text = payload.dump();
  for (int attempt = 1;; attempt++) try {
      return answer_in(send(subject, text));
    } catch (const Refused& refused) {
      const bool recovering = refused.code == "node.recovering";
      if (!recovering && refused.code != "node.draining") throw;
      if (!recovering || attempt == recovering_tries) throw NotServed(refused.what());
      usleep(recovering_pause_us);
    }
}

Reply Bus::send(const std::string& subject, const std::string& payload) const {
  const std::optional<Loopback> own = own_server(address_);
  return own ? request_own(*own, address_, subject, payload) : request_other(address_, subject, payload);
}

}  // namespace door
