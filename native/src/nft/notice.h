#pragma once

#include <linux/netlink.h>

#include <optional>
#include <string>
#include <vector>

#include "nft/element.h"

namespace nft {

enum class Subject { table, chain, rule, set, element };

/// Something of family inet or bridge was made or deleted. `name`: the chain of a rule, the set of an element, "" for a
/// table.
struct Notice {
  Subject subject;
  bool gone;
  Family family;
  std::string table;
  std::string name;
  std::optional<Element> element;  // only of Subject::element
};

/// Parses a message of group NFNLGRP_NFTABLES, with one notice for each element; none for other subjects than those
/// above.
std::vector<Notice> parse_notices(const nlmsghdr& message);

}  // namespace nft
