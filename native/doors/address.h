#pragma once

#include <string>

namespace door {

/// Where a NATS server is, who we are to it, and which daemon is meant. Empty: none.
struct Address {
  std::string url, user, password;
  /// replies arrive below it
  std::string inbox_prefix;
  /// path of a `.creds` file of NATS
  std::string creds;
  std::string node;
  /// as the daemon of this host wrote it down, and nobody said otherwise
  bool written_by_daemon = false;
};

/// The daemon's run directory: NETLOOM_RUN_DIR, or /run/netloom.
std::string run_directory();

/// As for the other clients: NETLOOM_CREDS names a credentials file, which is a daemon's or a `.creds` file of NATS by
/// its content, whatever its name ends in. NATS_URL says where, and NETLOOM_NODE whom. When neither of the first two is
/// set, it is this host's daemon, by the file that it wrote for operators. What is named is used, or an error names it.
/// Throws NotServed.
Address discover();

/// The URL as it may be printed: without user, password and token.
std::string shown_url(const std::string& url);

}  // namespace door
