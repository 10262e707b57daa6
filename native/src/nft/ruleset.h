#pragma once

#include <string>

namespace nft {

/// Equivalent to: nft -f - (one transaction, in the calling thread's namespace). Throws ENOENT when libnftables is not
/// installed, EINVAL with nft's own words when the text is refused.
void load_ruleset(const std::string& text);

}  // namespace nft
