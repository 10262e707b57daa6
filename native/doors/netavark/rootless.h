#pragma once

namespace door {

/// Executes the next netavark in podman's default directories, with the same arguments and the aardvark-dns beside it,
/// if the caller is a rootless podman: it reads the same containers.conf, but calls from a network namespace of its
/// own, which cannot reach the daemon's bus. Returns if there is no other netavark.
void hand_over_to_netavark(int argc, char** argv);

}  // namespace door
