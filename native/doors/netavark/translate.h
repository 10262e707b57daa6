#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace door {

/// podman's input is not valid.
struct BadInput : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The program that makes the firewall rules.
enum class Rules { ours, none };

/// podman's firewall_driver: which of the drivers it is makes no difference, but for `none`. Throws BadInput.
Rules rules_of(const std::string& firewall_driver);

/// netavark's setup (NetworkOptions) → container.attach. Throws BadInput.
nlohmann::json attach_request(const nlohmann::json& options, const std::string& netns, Rules rules);

/// The answer of container.attach → `{NAME: StatusBlock}`, one for each network of `options`.
nlohmann::json status_blocks(const nlohmann::json& options, const nlohmann::json& answer);

/// netavark's teardown (NetworkOptions) → container.detach. Throws BadInput.
nlohmann::json detach_request(const nlohmann::json& options, const std::string& netns);

/// `10.0.0.1,10.0.0.2` → network.update: exactly these; none when empty.
nlohmann::json update_request(const std::string& network, const std::string& servers);

/// The answer of plan.network → the definition as netavark's `create` prints it.
nlohmann::json created_network(nlohmann::json answer);

}  // namespace door
