#pragma once

#include <optional>

#include "netlink/message.h"
#include "rtnl/request.h"

namespace rtnl {

/// IFLA_MACVLAN_BC_CUTOFF, since Linux 6.4; older headers lack it, older kernels ignore it.
constexpr uint16_t kMacvlanBroadcastCutoff = 9;

/// Equivalent to: ip link add <name> [address <mac>] [mtu <mtu>] [up] type bridge no_linklocal_learn 1
///   [vlan_filtering 1]. EEXIST if the name is taken, EOPNOTSUPP where bridges cannot filter.
nl::Message add_bridge(const AddBridge& bridge);

/// Equivalent to: ip link add <name> [mtu <mtu>] [group <group>] numtxqueues 1 numrxqueues 1 type veth
///   peer name <peer> [address <mac>] [mtu <mtu>] netns <fd> numtxqueues 1 numrxqueues 1
/// Made directly in its namespace: moving the peer there afterwards waits 13 ms for RCU. One queue, because a default
/// veth has one for every CPU and containers gain nothing from them. EEXIST if either name is taken.
nl::Message add_veth(const AddVeth& veth, int peer_netns);

/// Equivalent to: ip link add link <index> name <name> netns <fd> [address <mac>] [mtu <mtu>] type macvlan mode <mode>
///   [bclim <limit>]
/// The parent is in the socket's namespace; the link is made directly in the other one. EEXIST if that has the name.
nl::Message add_macvlan(const AddMacvlan& macvlan, uint32_t parent_index, int netns);

/// Equivalent to: ip link add link <index> name <name> netns <fd> [mtu <mtu>] type ipvlan mode <mode>
nl::Message add_ipvlan(const AddIpvlan& ipvlan, uint32_t parent_index, int netns);

/// Equivalent to: ip link set <name> [address …] [mtu …] [alias …] [master <index>|nomaster] [addrgenmode …] and
/// sysctl net.ipv4.conf.<name>.…, without the final `up` if `configures_before_up` is set.
nl::Message set_link(const SetLink& link, std::optional<uint32_t> master_index);

/// Checks whether a link needs two messages: configuration, then up. The kernel sets a device up before it reads
/// IFLA_AF_SPEC of the same message, which is too late to prevent an automatic IPv6 address. A port must have its VLAN
/// before it forwards anything.
bool configures_before_up(const SetLink& link);

/// Equivalent to: bridge vlan add dev <index> vid <vlan> pvid untagged. EOPNOTSUPP if it is not a bridge's port.
nl::Message set_bridge_vlan(uint32_t link_index, uint16_t vlan);

/// Equivalent to: ip link set <name> [up] [type bridge_slave hairpin on|off]: the remaining settings. The kernel
/// applies port settings to the bridge that the link has before the message, so an earlier message must have set it.
nl::Message finish_link(const SetLink& link);

/// Equivalent to: ip link delete <name>. Throws ENODEV if it does not exist.
nl::Message delete_link(const DeleteLink& link);

}  // namespace rtnl
