#include "address.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "bus.h"
#include "text.h"

using nlohmann::json;

namespace door {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
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

Address read_credentials(const std::string& file) {
  const std::optional<std::string> content = read_file(file);
  if (!content)
    throw NotServed("netloom's daemon is not running (" + file + " is not there): start it with `netloom daemon`");
  const json credentials = json::parse(*content, nullptr, false);
  const auto text = [&](const char* field) {
    if (!credentials.is_object() || !credentials.contains(field) || !credentials[field].is_string())
      throw NotServed("netloom's daemon cannot be found: " + file + " is no credentials file");
    return credentials[field].get<std::string>();
  };
  Address address;
  address.url = text("url");
  address.user = text("user");
  address.password = text("password");
  address.node = text("node");
  return address;
}

Address address_by(const std::string& url, const std::string& creds) {
  const bool of_daemon = ends_with(creds, ".json");
  if (!url.empty() && !of_daemon) {
    Address address;
    address.url = url;
    address.creds = creds;
    address.node = host_name();
    return address;
  }
  Address address = read_credentials(of_daemon ? creds : run_directory() + "/credentials/operator.json");
  address.written_by_daemon = url.empty() && !of_daemon;
  if (!url.empty()) address.url = url;
  return address;
}

}  // namespace

std::string run_directory() {
  const std::string named = environment("NETLOOM_RUN_DIR");
  return named.empty() ? "/run/netloom" : named;
}

Address discover() {
  Address address = address_by(environment("NATS_URL"), environment("NETLOOM_CREDS"));
  if (const std::string node = environment("NETLOOM_NODE"); !node.empty()) address.node = node;
  // it becomes part of a subject
  const bool is_token = std::all_of(address.node.begin(), address.node.end(), is_token_letter);
  if (address.node.empty() || !is_token) throw NotServed("'" + address.node + "' is no name of a node");
  return address;
}

}  // namespace door
