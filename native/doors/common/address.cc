#include "common/address.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "common/bus.h"
#include "common/text.h"

using nlohmann::json;

namespace door {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_token_letter(unsigned char letter) { return isalnum(letter) || letter == '-' || letter == '_'; }

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  std::string first(name);
  first = first.substr(0, std::min<size_t>(first.find('.'), 64));
  std::replace_if(
      first.begin(), first.end(), [](char letter) { return !is_token_letter(letter); }, '-');
  return first.empty() ? "localhost" : first;
}

[[noreturn]] void not_found(const std::string& why) { throw NotServed("netloom's daemon cannot be found: " + why); }

/// The error of read_ordinary_file(), called right after it.
std::string why_unreadable() { return errno == EINVAL ? "it is not a regular file" : strerror(errno); }

/// Checks a prefix of subjects: no character may end the line or be a wildcard.
bool is_inbox_prefix(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char letter) {
    return letter > ' ' && letter != '*' && letter != '>' && letter != 127;
  });
}

Address daemon_credentials(const std::string& file, const std::string& content) {
  const json credentials = json::parse(content, nullptr, false);
  const auto text = [&](const char* field) {
    if (!credentials.is_object() || !credentials.contains(field) || !credentials[field].is_string())
      not_found(file + " is not a credentials file");
    return credentials[field].get<std::string>();
  };
  Address address;
  address.url = text("url");
  address.user = text("user");
  address.password = text("password");
  address.node = text("node");
  // missing in files of older daemons
  address.inbox_prefix = credentials.contains("inboxPrefix") ? text("inboxPrefix") : "_INBOX." + address.user;
  if (!is_inbox_prefix(address.inbox_prefix)) not_found(file + " is not a credentials file");
  return address;
}

Address own_daemon() {
  const std::string file = run_directory() + "/credentials/operator.json";
  const std::optional<std::string> content = read_ordinary_file(file);
  if (!content && errno == ENOENT)
    throw NotServed("netloom's daemon is not running (" + file + " is not there): start it with `netloom daemon`");
  if (!content) not_found(file + " cannot be read: " + why_unreadable());
  Address address = daemon_credentials(file, *content);
  address.written_by_daemon = true;
  return address;
}

Address elsewhere(const std::string& url) {
  Address address;
  address.url = url;
  address.node = host_name();
  return address;
}

bool is_nats_credentials(const std::string& content) {
  return content.find("BEGIN NATS USER JWT-") != content.npos && content.find("BEGIN USER NKEY SEED-") != content.npos;
}

Address named_credentials(const std::string& file, const std::string& url) {
  if (file.empty()) not_found("NETLOOM_CREDS is empty: name a file, or unset it");
  const std::optional<std::string> content = read_ordinary_file(file);
  if (!content) not_found("the credentials in " + file + " cannot be read: " + why_unreadable());
  if (url.find('@') != url.npos) not_found(file + " and NATS_URL both have credentials: give one of them");
  if (is_nats_credentials(*content)) {
    if (url.empty()) not_found(file + " has credentials and no server: set NATS_URL too");
    Address address = elsewhere(url);
    address.creds = file;
    return address;
  }
  Address address = daemon_credentials(file, *content);
  if (!url.empty()) address.url = url;
  return address;
}

Address address_by(const std::string& url, const char* creds) {
  if (creds) return named_credentials(creds, url);
  return url.empty() ? own_daemon() : elsewhere(url);
}

}  // namespace

std::string run_directory() {
  const std::string named = environment("NETLOOM_RUN_DIR");
  return named.empty() ? "/run/netloom" : named;
}

Address discover() {
  Address address = address_by(environment("NATS_URL"), std::getenv("NETLOOM_CREDS"));
  if (const std::string node = environment("NETLOOM_NODE"); !node.empty()) address.node = node;
  // part of a subject
  const bool is_token = std::all_of(address.node.begin(), address.node.end(), is_token_letter);
  if (address.node.empty() || !is_token) throw NotServed("'" + address.node + "' is not a valid name of a node");
  return address;
}

std::string shown_url(const std::string& url) {
  const size_t at = url.rfind('@');
  if (at == url.npos) return url;
  const size_t scheme = url.find("://");
  const std::string start = scheme == url.npos || scheme > at ? "" : url.substr(0, scheme + 3);
  return start + "***" + url.substr(at);
}

}  // namespace door
