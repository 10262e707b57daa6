#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace door {

/// podman's input is not valid.
struct BadInput : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The program whose rules form the firewall.
enum class Rules { ours, none };

/// Parses podman's firewall_driver: all drivers except `none` mean netloom's rules. Throws BadInput.
Rules rules_of(const std::string& firewall_driver);

/// Translates netavark's setup (NetworkOptions) to container.attach. Throws BadInput.
nlohmann::json attach_request(const nlohmann::json& options, const std::string& netns, Rules rules);

/// Translates the answer of container.attach to `{NAME: StatusBlock}`, one for each network of `options`.
nlohmann::json status_blocks(const nlohmann::json& options, const nlohmann::json& answer);

/// Translates netavark's teardown (NetworkOptions) to container.detach. Throws BadInput.
nlohmann::json detach_request(const nlohmann::json& options, const std::string& netns);

/// Translates `10.0.0.1,10.0.0.2` to a network.update to exactly these servers; empty: none.
nlohmann::json update_request(const std::string& network, const std::string& servers);

/// Translates the answer of plan.network to the definition that netavark's `create` prints.
nlohmann::json created_network(nlohmann::json answer);

}  // namespace door
