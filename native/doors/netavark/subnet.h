#pragma once

#include <string>

namespace door {

/// Checks whether `10.89.0.0/24` contains the address of `10.89.0.7/24`; false if either is invalid.
bool subnet_has(const std::string& subnet, const std::string& ipnet);

}  // namespace door
