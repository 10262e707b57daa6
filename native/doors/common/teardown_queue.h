#pragma once

#include <nlohmann/json.hpp>

namespace door {

/// Stores a container.detach for the next daemon (in `<run directory>/teardowns`), so that an engine can always clean
/// up. If no daemon has run since boot, there is nothing to take down, and nothing is stored. Throws std::system_error.
void queue_teardown(const nlohmann::json& request);

/// Removes stored teardowns for the same container in the same namespace whose networks are all in this request: these
/// are being set up again. Teardowns that take back a set-up (`call`) stay, because it was reported as failed. Never
/// fails: files that cannot be read or removed stay.
void drop_teardowns(const nlohmann::json& request);

}  // namespace door
