#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace door {

/// An invalid command line: exit code 2, and the message goes to stderr.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// netavark's command line. Global options come before the command.
struct Options {
  std::string command;
  std::vector<std::string> arguments;
  /// read instead of stdin; empty: stdin
  std::string file;
  bool rootless = false;
  /// podman's firewall_driver, unparsed; nothing: the environment has it
  std::optional<std::string> firewall_driver;
  /// `update NAME --network-dns-servers LIST`: the comma-joined list, which may be empty
  std::string dns_servers;
};

/// Parses a command line. Options that netloom does not need (state directory, aardvark-dns, plugins) are accepted and
/// ignored. Throws UsageError.
Options parse_options(int argc, char** argv);

}  // namespace door
