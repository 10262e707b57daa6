#pragma once

#include <string>

namespace door {

/// A NATS server, its credentials, and the node whose daemon is asked. Empty: none.
struct Address {
  std::string url, user, password;
  /// prefix of reply subjects
  std::string inbox_prefix;
  /// path of a `.creds` file of NATS
  std::string creds;
  std::string node;
  /// whether it comes from the file of this host's daemon, not from the environment
  bool written_by_daemon = false;
};

/// The daemon's run directory: NETLOOM_RUN_DIR, or /run/netloom.
std::string run_directory();

/// Finds the server as other clients do: NETLOOM_CREDS names a credentials file, whose content decides whether it is a
/// daemon's or a `.creds` file of NATS; NATS_URL names the server, and NETLOOM_NODE the node. If neither of the first
/// two is set, this host's daemon is used, by its file for operators. A value that is set is used, or an error names
/// it. Throws NotServed.
Address discover();

/// Returns a URL that may be printed: without user, password and token.
std::string shown_url(const std::string& url);

}  // namespace door
