#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace door {

/// The command line was not understood: exit 2, and the words go to stderr.
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
  /// podman's firewall_driver, as given; none: see the environment
  std::optional<std::string> firewall_driver;
  /// `update NAME --network-dns-servers LIST`: the comma-joined list, which may be empty
  std::string dns_servers;
};

/// Throws UsageError. Options for work that netloom does differently (state directory, aardvark-dns, plugins) are
/// accepted and ignored.
Options parse_options(int argc, char** argv);

}  // namespace door
