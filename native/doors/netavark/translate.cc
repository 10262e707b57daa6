#include "netavark/translate.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "netavark/subnet.h"

using nlohmann::json;

namespace door {

namespace {

/// podman's domain of container names; netloom's resolver also answers in it, whatever its own domain is.
constexpr const char* podman_domain = "dns.podman";

[[noreturn]] void malformed(const std::string& what) { throw BadInput("failed to load network options: " + what); }

bool has(const json& object, const char* field) { return object.contains(field) && !object[field].is_null(); }

const json& required(const json& object, const char* field) {
  if (!object.is_object() || !has(object, field)) malformed(std::string("missing field `") + field + "`");
  return object[field];
}

bool truth_or(const json& object, const char* field, bool otherwise) {
  if (!has(object, field)) return otherwise;
  if (!object[field].is_boolean()) malformed(std::string("field `") + field + "` is neither true nor false");
  return object[field];
}

int64_t whole_number_or(const json& object, const char* field, int64_t otherwise) {
  if (!has(object, field)) return otherwise;
  if (!object[field].is_number_integer()) malformed(std::string("field `") + field + "` is not a whole number");
  return object[field];
}

std::string required_text(const json& object, const char* field) {
  const json& value = required(object, field);
  if (!value.is_string()) malformed(std::string("field `") + field + "` is not a string");
  return value;
}

json list_or_empty(const json& object, const char* field) {
  if (!has(object, field)) return json::array();
  if (!object[field].is_array()) malformed(std::string("field `") + field + "` is not a list");
  return object[field];
}

struct Attachment {
  std::string network;
  json options;
};

/// podman 6 sends an ordered list; earlier versions send a map, in which the interfaces' names give the order.
std::vector<Attachment> attachments_of(const json& options) {
  const json& networks = required(options, "networks");
  std::vector<Attachment> attachments;
  if (networks.is_array()) {
    for (const json& entry : networks) attachments.push_back({required_text(entry, "name"), entry});
    return attachments;
  }
  if (!networks.is_object()) malformed("field `networks` is neither a map nor a list");
  for (const auto& [name, entry] : networks.items()) attachments.push_back({name, entry});
  std::sort(attachments.begin(), attachments.end(), [](const Attachment& one, const Attachment& other) {
    const std::string a = required_text(one.options, "interface_name"),
                      b = required_text(other.options, "interface_name");
    return a.size() == b.size() ? a < b : a.size() < b.size();
  });
  return attachments;
}

const json& definition_of(const json& options, const std::string& network) {
  const json& known = required(options, "network_info");
  if (!known.is_object() || !known.contains(network)) malformed("network " + network + " is not in `network_info`");
  if (!known[network].is_object()) malformed("network " + network + " is not an object");
  return known[network];
}

/// podman sends aliases (the container's short ID, those of a compose file) even for networks without a resolver:
/// netavark ignores them, while the daemon would refuse them.
json aliases_of(const json& asked, const json& definition) {
  return truth_or(definition, "dns_enabled", false) ? list_or_empty(asked, "aliases") : json::array();
}

/// Reads podman's `dns_bind_port` from the environment; 0: not set.
int64_t dns_port() {
  const char* const text = std::getenv("NETAVARK_DNS_PORT");
  if (text == nullptr || *text == '\0') return 0;
  int port = 0;
  const char* const end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, port);
  if (error != std::errc{} || rest != end || port < 1 || port > 65535)
    throw BadInput(std::string("NETAVARK_DNS_PORT: `") + text + "` is not a port");
  return port;
}

/// Reads the name of the host's end of the veth; other drivers have none, and netavark ignores it. Empty: not
/// requested.
std::string host_interface_name(const json& asked, const json& definition) {
  if (!has(asked, "options") || definition.value("driver", "") != "bridge") return {};
  const json& options = asked["options"];
  return options.is_object() && has(options, "host_interface_name") ? required_text(options, "host_interface_name")
                                                                    : "";
}

json attachment_request(const json& options, const Attachment& attachment, Rules rules) {
  const json& asked = attachment.options;
  const std::string interface_name = required_text(asked, "interface_name");
  if (interface_name.empty()) malformed("interface name of network " + attachment.network + " is empty");
  const json& definition = definition_of(options, attachment.network);
  json request = {
      {"network", attachment.network},
      {"interfaceName", interface_name},
      {"staticIps", list_or_empty(asked, "static_ips")},
      {"aliases", aliases_of(asked, definition)},
      {"definition", definition},
  };
  if (const int64_t port = dns_port(); port != 0) request["definition"]["dns_port"] = port;
  if (const std::string name = host_interface_name(asked, definition); !name.empty())
    request["hostInterfaceName"] = name;
  if (rules == Rules::none) request["definition"]["firewall"] = "none";
  if (has(asked, "static_mac") && asked["static_mac"] != "") request["staticMac"] = asked["static_mac"];
  return request;
}

/// podman has already bound the host port, and keeps it bound in another process.
json port_request(const json& mapping) {
  json request = {
      {"containerPort", required(mapping, "container_port")},
      {"hostPort", required(mapping, "host_port")},
      {"range", std::max<int64_t>(1, whole_number_or(mapping, "range", 1))},
      {"heldByCaller", true},
  };
  if (has(mapping, "host_ip")) request["hostIp"] = mapping["host_ip"];
  if (has(mapping, "protocol")) request["protocol"] = mapping["protocol"];
  return request;
}

/// netavark reports the gateway of every address' subnet, even without a route to it.
void add_gateways(json& block, const json& definition) {
  const json subnets = list_or_empty(definition, "subnets");
  for (auto& [_, interface] : block["interfaces"].items())
    for (json& address : interface["subnets"])
      for (const json& subnet : subnets)
        if (has(subnet, "gateway") && subnet_has(subnet.value("subnet", ""), address.value("ipnet", "")))
          address["gateway"] = subnet["gateway"];
}

}  // namespace

Rules rules_of(const std::string& firewall_driver) {
  std::string driver = firewall_driver;
  std::transform(driver.begin(), driver.end(), driver.begin(), [](unsigned char letter) { return tolower(letter); });
  if (driver == "none") return Rules::none;
  if (driver == "nftables" || driver == "iptables" || driver == "firewalld") return Rules::ours;
  throw BadInput("Must provide a valid firewall backend, got " + driver +
                 ": nftables, iptables and firewalld (which all mean netloom's own rules), or none");
}

json attach_request(const json& options, const std::string& netns, Rules rules) {
  json networks = json::array(), ports = json::array();
  for (const Attachment& attachment : attachments_of(options))
    networks.push_back(attachment_request(options, attachment, rules));
  for (const json& mapping : list_or_empty(options, "port_mappings")) ports.push_back(port_request(mapping));
  json request = {
      {"id", required_text(options, "container_id")},
      {"name", required_text(options, "container_name")},
      {"owner", "podman"},
      {"mode", "ns:" + netns},
      {"networks", networks},
      {"ports", ports},
      {"dnsServers", list_or_empty(options, "dns_servers")},
  };
  // sent to DHCP servers
  if (has(options, "container_hostname") && options["container_hostname"] != "")
    request["hostname"] = options["container_hostname"];
  return request;
}

json status_blocks(const json& options, const json& answer) {
  json blocks = json::object();
  for (const Attachment& attachment : attachments_of(options)) {
    json block = answer.at("status").at(attachment.network);
    const json& definition = definition_of(options, attachment.network);
    add_gateways(block, definition);
    // other addresses come from a DHCP server
    if (!block["dns_search_domains"].empty() && truth_or(definition, "dns_enabled", false))
      block["dns_search_domains"] = {podman_domain};
    // without a resolver of the network, the container queries the servers that its user named
    if (block["dns_server_ips"].empty()) block["dns_server_ips"] = list_or_empty(options, "dns_servers");
    blocks[attachment.network] = block;
  }
  return blocks;
}

json detach_request(const json& options, const std::string& netns) {
  json networks = json::array();
  for (const Attachment& attachment : attachments_of(options)) networks.push_back(attachment.network);
  return {{"id", required_text(options, "container_id")}, {"networks", networks}, {"netns", netns}};
}

json update_request(const std::string& network, const std::string& servers) {
  json list = json::array();
  for (size_t start = 0; start < servers.size();) {
    const size_t end = std::min(servers.find(',', start), servers.size());
    if (end > start) list.push_back(servers.substr(start, end - start));
    start = end + 1;
  }
  return {{"name", network}, {"dnsServers", list}};
}

json created_network(json answer) {
  json definition = answer.at("definition");
  if (!definition.contains("routes")) return definition;
  // netavark reports it for every route
  for (json& route : definition["routes"])
    if (!route.contains("route_type")) route["route_type"] = "unicast";
  return definition;
}

}  // namespace door
