#pragma once

#include <linux/netlink.h>

#include <optional>
#include <string>

namespace nft {

enum class Subject { table, chain, rule, set, element };

/// Something of family inet was made or deleted. Of a rule `name` is its chain, of an element its set, of a table "".
struct Notice {
  Subject subject;
  bool gone;
  std::string table;
  std::string name;

  bool operator==(const Notice& other) const;
};

/// What a message of group NFNLGRP_NFTABLES tells; nothing for the subjects that are not listed above.
std::optional<Notice> parse_notice(const nlmsghdr& message);

}  // namespace nft
