// A netavark for podman that sends its work to netloom's daemon. It has netavark's command line and JSON; each call is
// one command on the bus. As with netavark, errors go to stdout as {"error": "…"} with exit code 1, and errors of the
// command line to stderr with exit code 2.
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "common/bus.h"
#include "common/teardown_queue.h"
#include "common/text.h"
#include "netavark/options.h"
#include "netavark/rootless.h"
#include "netavark/translate.h"

using nlohmann::json;

namespace {

constexpr const char* help =
    "netavark, by netloom: gives podman's containers their networks\n\n"
    "Usage: netavark [OPTIONS] COMMAND\n\n"
    "Commands:\n"
    "  setup NETNS_PATH                            sets a container's networks up (JSON on stdin)\n"
    "  teardown NETNS_PATH                         takes them down (the same JSON)\n"
    "  update NETWORK --network-dns-servers LIST   whom the network's resolver asks\n"
    "  create                                      completes a network's definition (JSON on stdin)\n"
    "  version                                     tells what this is, as JSON\n\n"
    "Options: -f/--file FILE, -c/--config DIR, -r/--rootless BOOL, -a/--aardvark-binary PATH, --plugin-directory DIR,\n"
    "         --firewall-driver NAME, -V/--version, -h/--help\n\n"
    "Environment: NETAVARK_FW, NETAVARK_DNS_PORT, NETLOOM_RUN_DIR (default /run/netloom), NETLOOM_CREDS, NATS_URL, "
    "NETLOOM_NODE";

/// The result cannot be written.
struct Unwritable : std::system_error {
  Unwritable() : std::system_error(errno, std::generic_category(), "the answer cannot be written") {}
};

void print_line(const std::string& text) {
  if (!door::write_all(STDOUT_FILENO, text + "\n")) throw Unwritable();
}

/// Far more than any definition has. JSON is parsed and written recursively, so the depth is limited by the stack.
constexpr int most_levels = 100;

bool is_deeper_than(std::string_view json_text, int levels) {
  int level = 0;
  bool in_string = false;
  for (size_t at = 0; at < json_text.size(); at++) {
    const char letter = json_text[at];
    if (in_string && letter == '\\') at++;
    if (letter == '"') in_string = !in_string;
    if (in_string) continue;
    if (letter == '[' || letter == '{') level++;
    if (letter == ']' || letter == '}') level--;
    if (level > levels) return true;
  }
  return false;
}

json read_input(const door::Options& options) {
  const std::optional<std::string> text =
      options.file.empty() ? door::read_all(STDIN_FILENO) : door::read_file(options.file);
  if (!text) throw door::BadInput("failed to open " + (options.file.empty() ? "the input" : options.file));
  if (is_deeper_than(*text, most_levels))
    throw door::BadInput("failed to load network options: the input nests too deep");
  const json input = json::parse(*text, nullptr, false);
  if (!input.is_object()) throw door::BadInput("failed to load network options: the input is not a JSON object");
  return input;
}

/// Requires UTF-8, because JSON does.
const std::string& utf8(const std::string& text, const char* name) try {
  json(text).dump();
  return text;
} catch (const json::type_error&) {
  throw door::BadInput(std::string(name) + " is not valid UTF-8");
}

const std::string& argument(const door::Options& options, const char* name) {
  if (options.arguments.size() != 1)
    throw door::UsageError(options.command + ": expected one argument, <" + name + ">");
  return utf8(options.arguments[0], name);
}

/// The option takes precedence over the environment.
door::Rules rules(const door::Options& options) {
  const char* const environment = std::getenv("NETAVARK_FW");
  const std::string driver = options.firewall_driver.value_or(environment ? environment : "");
  return driver.empty() ? door::Rules::ours : door::rules_of(utf8(driver, "firewall driver"));
}

/// Stores a teardown, which the daemon carries out as soon as it can: a set-up that was reported as failed must not
/// exist.
void take_back(json teardown, const std::string& call, const door::Unanswered& lost) try {
  teardown["call"] = call;
  door::queue_teardown(teardown);
} catch (const std::system_error& error) {
  throw door::NotServed(std::string(lost.what()) + "; what was set up may stay: " + error.what());
}

void setup(const door::Options& options) {
  const std::string& netns = argument(options, "NETNS_PATH");
  const json input = read_input(options);
  json request = door::attach_request(input, netns, rules(options));
  const std::string call = door::fresh_token();
  request["call"] = call;
  json answer;
  try {
    answer = door::Bus().request("container.attach", request);
  } catch (const door::Unanswered& lost) {
    take_back(door::detach_request(input, netns), call, lost);
    throw;
  } catch (const door::NotServed&) {
    // the first half of a reload: the container keeps running, and keeps its network
    door::drop_teardowns(door::detach_request(input, netns));
    throw;
  }
  print_line(door::status_blocks(input, answer).dump());
}

/// Tears down now, or stores the teardown for the daemon.
void teardown(const door::Options& options) {
  // signals that podman forwards are for the container: this call continues
  signal(SIGTERM, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  const std::string& netns = argument(options, "NETNS_PATH");
  const json request = door::detach_request(read_input(options), netns);
  try {
    door::Bus().request("container.detach", request);
  } catch (const door::NotServed&) {
    door::queue_teardown(request);
  }
}

/// The daemon may still be reading the file that podman has just written; then it answers "try again".
constexpr int busy_attempts = 100;
constexpr useconds_t busy_pause_us = 20'000;

void update(const door::Options& options) {
  const std::string& network = argument(options, "NETWORK_NAME");
  const std::string& servers = utf8(options.dns_servers, "--network-dns-servers");
  const door::Bus bus;
  for (int attempt = 1;; attempt++) try {
      bus.request("network.update", door::update_request(network, servers));
      return;
    } catch (const door::Refused& refused) {
      // not in use: its next container sends podman's file
      if (refused.code == "network.unknown") return;
      if (refused.code != "network.busy" || attempt == busy_attempts) throw;
      usleep(busy_pause_us);
    }
}

void print_version() {
  const json version = {
      {"version", NETAVARK_VERSION}, {"commit", "netloom " NETLOOM_VERSION}, {"build_time", __DATE__ " " __TIME__},
      {"target", NETLOOM_TARGET},    {"default_fw_driver", "nftables"},
  };
  print_line(version.dump(2));
}

void run(const door::Options& options) {
  if (options.command == "setup") return setup(options);
  if (options.command == "teardown") return teardown(options);
  if (options.command == "update") return update(options);
  if (options.command == "create") {
    print_line(door::created_network(door::Bus().request("plan.network", read_input(options))).dump());
    return;
  }
  if (options.command == "version") return print_version();
  if (options.command == "--version") {
    print_line("netavark " NETAVARK_VERSION);
    return;
  }
  if (options.command == "--help") {
    print_line(help);
    return;
  }
  throw door::UsageError("unrecognized command '" + options.command + "'");
}

int guarded(int argc, char** argv) try {
  const door::Options options = door::parse_options(argc, argv);
  if (options.rootless) {
    door::hand_over_to_netavark(argc, argv);
    throw door::BadInput("netloom serves rootful podman only, and there is no other netavark on this host");
  }
  run(options);
  return 0;
} catch (const door::UsageError& error) {
  door::write_all(STDERR_FILENO, std::string("error: ") + error.what() + "\n\nFor more information, try '--help'.\n");
  return 2;
} catch (const Unwritable& error) {
  door::write_all(STDERR_FILENO, std::string("error: ") + error.what() + "\n");
  return 1;
} catch (const std::exception& error) {
  // whatever it quotes
  const json output = {{"error", error.what()}};
  door::write_all(STDOUT_FILENO, output.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const int code = guarded(argc, argv);
  // without closing a NATS library: its orderly end would take longer than the whole call
  _exit(code);
}
