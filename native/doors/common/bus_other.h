#pragma once

#include <string>

#include "common/bus.h"

namespace door {

/// Sends one request to a server other than the own server of this host's daemon: remote, with TLS, with a `.creds`
/// file. The client library (libnats, which loads OpenSSL) is loaded only now, because most calls do not need it.
/// Throws Unanswered, NotServed.
Reply request_other(const Address& address, const std::string& subject, const std::string& payload);

}  // namespace door
