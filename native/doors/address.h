#pragma once

#include <string>

namespace door {

/// Where a NATS server is, who we are to it, and which daemon is meant. Empty: none.
struct Address {
  std::string url, user, password;
  /// path of a `.creds` file
  std::string creds;
  std::string node;
  /// as the daemon of this host wrote it down, and nobody said otherwise
  bool written_by_daemon = false;
};

/// The daemon's run directory: NETLOOM_RUN_DIR, or /run/netloom.
std::string run_directory();

/// As for the other clients: NATS_URL with the `.creds` file NETLOOM_CREDS, or a credentials file of a daemon, which is
/// that of this host's, or the `.json` that NETLOOM_CREDS names. NETLOOM_NODE says whom, NATS_URL where.
/// Throws NotServed.
Address discover();

}  // namespace door
