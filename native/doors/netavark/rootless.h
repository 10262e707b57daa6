#pragma once

namespace door {

/// A rootless podman reads the same containers.conf, but calls from its own network namespace, where the daemon's bus
/// is out of reach: this process executes the next netavark of podman's usual directories, with the same arguments and
/// the aardvark-dns beside it. Returns if there is no other netavark.
void hand_over_to_netavark(int argc, char** argv);

}  // namespace door
