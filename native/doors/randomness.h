#pragma once

namespace door {

/// The NATS client draws its inbox names by OpenSSL, whose generator takes a millisecond to start: longer than all else
/// that a door does. From then on they come from getrandom(2).
void draw_from_kernel();

}  // namespace door
