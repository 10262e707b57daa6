#pragma once

#include <linux/netlink.h>

#include <optional>
#include <string>
#include <vector>

#include "nft/element.h"

namespace nft {

enum class Subject { table, chain, rule, set, element };

/// Something of family inet or bridge was made or deleted. Of a rule `name` is its chain, of an element its set, of a
/// table "".
struct Notice {
  Subject subject;
  bool gone;
  Family family;
  std::string table;
  std::string name;
  std::optional<Element> element;  // only of Subject::element
};

/// The notices in a message of group NFNLGRP_NFTABLES, one for each element; none for the subjects that are not
/// listed above.
std::vector<Notice> parse_notices(const nlmsghdr& message);

}  // namespace nft
