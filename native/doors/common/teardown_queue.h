#pragma once

#include <nlohmann/json.hpp>

namespace door {

/// Leaves a container.detach where the daemon finds it when it is back (`<run directory>/teardowns`), so that an engine
/// can always clean up. Where no daemon has been since the host started there is nothing to take down, and nothing is
/// left. Throws std::system_error.
void queue_teardown(const nlohmann::json& request);

/// Removes stored teardowns for the same container in the same namespace that name no other networks than this
/// container.detach: all of those are being set up again. Those that take a set-up back (`call`) stay, because it was
/// reported as failed. Never fails: what cannot be read or removed stays.
void drop_teardowns(const nlohmann::json& request);

}  // namespace door
