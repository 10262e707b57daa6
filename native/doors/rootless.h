#pragma once

namespace door {

/// A rootless podman calls from a network namespace of its own, where the daemon's bus is out of reach, but reads the
/// same containers.conf: the next netavark of podman's usual directories takes this process over, with the same
/// arguments and with the aardvark-dns beside it. Returns when there is none.
void hand_over_to_netavark(int argc, char** argv);

}  // namespace door
