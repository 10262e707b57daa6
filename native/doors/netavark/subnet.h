#pragma once

#include <string>

namespace door {

/// Whether `10.89.0.0/24` contains the address of `10.89.0.7/24`; false when one of them is not valid.
bool subnet_has(const std::string& subnet, const std::string& ipnet);

}  // namespace door
