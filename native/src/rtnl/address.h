#pragma once

#include "netlink/message.h"
#include "rtnl/request.h"

namespace rtnl {

/// Equivalent to: ip address add <address> [broadcast +] dev <index> [nodad]. EEXIST if it exists.
nl::Message add_address(const AddAddress& address, uint32_t link_index);

/// Equivalent to: ip address delete <address> dev <index>. EADDRNOTAVAIL if it does not exist.
nl::Message delete_address(const DeleteAddress& address, uint32_t link_index);

}  // namespace rtnl
