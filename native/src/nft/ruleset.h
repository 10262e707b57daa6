#pragma once

#include <string>

namespace nft {

/// Equivalent to: nft -f - (one transaction, in the calling thread's namespace). Throws ENOENT if libnftables is not
/// installed; EINVAL, with nft's message, if the text is invalid.
void load_ruleset(const std::string& text);

}  // namespace nft
