#pragma once

#include <string>

#include "common/bus.h"

namespace door {

/// One request to a server that is not this host's daemon's own: elsewhere, with TLS, with a `.creds` file. The client
/// library for it (libnats, which brings OpenSSL along) is loaded now, for most calls need none. Throws
/// Unanswered, NotServed.
Reply request_other(const Address& address, const std::string& subject, const std::string& payload);

}  // namespace door
