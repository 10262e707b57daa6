#include "options.h"

#include <getopt.h>

namespace door {

namespace {

constexpr int plugin_directory = 1000;
constexpr int firewall_driver = 1001;
constexpr int network_dns_servers = 1002;

constexpr option global_options[] = {
    {"file", required_argument, nullptr, 'f'},
    {"config", required_argument, nullptr, 'c'},
    {"rootless", required_argument, nullptr, 'r'},
    {"aardvark-binary", required_argument, nullptr, 'a'},
    {"plugin-directory", required_argument, nullptr, plugin_directory},
    {"firewall-driver", required_argument, nullptr, firewall_driver},
    {"version", no_argument, nullptr, 'V'},
    {"help", no_argument, nullptr, 'h'},
    {},
};

constexpr option update_options[] = {
    {"network-dns-servers", required_argument, nullptr, network_dns_servers},
    {},
};

bool boolean(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  throw UsageError("invalid value '" + text + "' for '--rootless <ROOTLESS>': expected true or false");
}

[[noreturn]] void unexpected(char** argv) {
  throw UsageError(std::string("unexpected argument '") + argv[optind - 1] + "'");
}

void parse_update(Options& options, int argc, char** argv) {
  bool given = false;
  for (int found; (found = getopt_long(argc, argv, "", update_options, nullptr)) != -1;) {
    if (found != network_dns_servers) unexpected(argv);
    options.dns_servers = optarg;
    given = true;
  }
  if (!given) throw UsageError("the following required argument was not provided: --network-dns-servers <LIST>");
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  opterr = 0;
  // "+": the first word that is no option is the command
  for (int found; (found = getopt_long(argc, argv, "+f:c:r:a:Vh", global_options, nullptr)) != -1;) switch (found) {
      case 'f':
        options.file = optarg;
        break;
      case 'r':
        options.rootless = boolean(optarg);
        break;
      case 'V':
        options.command = "--version";
        return options;
      case 'h':
        options.command = "--help";
        return options;
      case '?':
        unexpected(argv);
      default:
        break;
    }
  if (optind >= argc) throw UsageError("a command is missing: setup, teardown, update, create or version");
  options.command = argv[optind];
  char** rest = argv + optind;
  const int count = argc - optind;
  // 0: getopt forgets where it was
  optind = 0;
  if (options.command == "update") {
    parse_update(options, count, rest);
  } else if (getopt_long(count, rest, "", global_options + 8, nullptr) != -1) {
    // also one of the global options: they come before the command
    unexpected(rest);
  }
  for (int index = optind; index < count; index++) options.arguments.emplace_back(rest[index]);
  return options;
}

}  // namespace door
