/**
 * The kernel functions that netloom uses. Every call is synchronous and blocks for the time of its system calls, so
 * only worker threads (and short-lived programs) make them. Plain objects only; `null` for none; units in names.
 *
 * Failures of the kernel are thrown as, or reported by value as, a {@link SystemFault}; an argument of the wrong shape
 * throws a TypeError that names its path (`route[2].mtuBytes: expected a number`).
 */

/** `op` is our verb ("add veth"), `errno` the symbolic name ("EEXIST"), `detail` the kernel's message or ours. */
export interface SystemFault {
  op: string;
  errno: string;
  detail: string | null;
}

/** Thrown form of {@link SystemFault}. `message` is "add veth: EEXIST: <detail>". */
export interface SystemError extends Error, SystemFault {}

// ---------------------------------------------------------------------------------------------- network namespaces

/** Identity of a namespace: equal pairs are the same one. */
export interface NetnsIdentity {
  inode: number;
  device: number;
}

/**
 * Makes a fresh network namespace and pins it at `path` by a bind mount. The calling thread goes there and is back when
 * this returns; no other thread changes its namespace. The pin file is created (parents must exist); its loopback may
 * be down. Equivalent to: `ip netns add`. Throws EEXIST when something is already mounted there. The returned socket
 * lives inside the new namespace. A namespace that beginNetns() began for this path is used, with its settings.
 * `settings` are applied before any interface is made; keys that the kernel does not have are left out.
 */
export function createNetns(path: string, settings?: Sysctl[] | null): { identity: NetnsIdentity; socket: RouteSocket };
/**
 * A hint: begins to make a namespace on another thread, with its loopback up, for a createNetns() of this path that
 * follows on any thread. It is not pinned, and dropped if it is not used within a second. Never throws.
 */
export function beginNetns(path: string, settings?: Sysctl[] | null): void;
/**
 * Pins the namespace of a living process at `path`. Equivalent to: `ip netns attach`. ESRCH if the process has ended.
 */
export function adoptNetns(pid: number, path: string): { identity: NetnsIdentity; socket: RouteSocket };
/** The namespace mounted at (or referred to by) `path`; null if nothing is there, or not a network namespace. */
export function netnsIdentity(path: string): NetnsIdentity | null;
/** The caller's own network namespace (of this thread). */
export function currentNetnsIdentity(): NetnsIdentity;
/**
 * Makes a directory in which other programs pin namespaces (/run/netns) a shared mount, unless it is one, as `ip netns
 * add` and podman do before their first pin: a later change hides existing pins. Equivalent to: `mount --rbind <path>
 * <path>`, `mount --make-rshared <path>`.
 */
export function shareNetnsDirectory(path: string): void;
/** Unmounts (lazily, bounded retries while several mounts are stacked) and unlinks. false: it was already gone. */
export function removeNetns(path: string): boolean;
/**
 * Announces the MAC address of the link's addresses to its neighbours, once: a gratuitous ARP request for IPv4, an
 * unsolicited neighbour advertisement that overrides for IPv6. Equivalent to: `arping -U -c 1 -I <link> <address>`,
 * `ndsend <address> <link>`. Throws ENOENT without that namespace, ENODEV without that link, ENETDOWN if it is down.
 */
export function announceAddresses(netnsPath: string, link: string, addresses: string[]): void;
/** Moves the calling thread into the namespace permanently: for programs that exec, and for tests. */
export function enterNetns(path: string): void;
/** Moves the calling thread into a fresh, unpinned network namespace, loopback up: a host of its own for a test. */
export function enterFreshNetns(): void;

// -------------------------------------------------------------------------------------------------------- rtnetlink

/** A route-netlink socket; it stays in the namespace in which it was opened, even if another thread uses it. */
export class RouteSocket {
  private constructor();
  close(): void;
}
/** Opens a socket in the namespace at a path; null: the calling thread's. Throws ENOENT, EINVAL. */
export function openRouteSocket(netnsPath: string | null): RouteSocket;

export type RouteType = 'unicast' | 'blackhole' | 'unreachable' | 'prohibit';
export type MacvlanMode = 'bridge' | 'private' | 'vepa' | 'passthru' | 'source';

/** `addresses` and `destination` are "10.0.0.1/24" or "fd00::1/64"; "default" is "0.0.0.0/0" or "::/0" spelt out. */
export type RouteRequest =
  /**
   * ip link add <name> [address <mac>] [mtu <mtu>] type bridge no_linklocal_learn 1 [vlan_filtering 1]; then up when
   * `up`. EOPNOTSUPP, with the reason, where the kernel cannot filter VLANs in bridges (CONFIG_BRIDGE_VLAN_FILTERING).
   */
  | {
      verb: 'addBridge';
      name: string;
      macAddress: string | null;
      mtuBytes: number | null;
      up: boolean;
      vlanFiltering?: boolean | null;
    }
  /**
   * ip link add <name> [address <mac>] [mtu <mtu>] [group <group>] numtxqueues 1 numrxqueues 1 type veth
   *   peer name <peerName> [address <mac>] [mtu] netns <peerNetnsPath> numtxqueues 1 numrxqueues 1
   * The peer is made directly in its namespace; nothing is up yet.
   */
  | {
      verb: 'addVeth';
      name: string;
      macAddress: string | null;
      mtuBytes: number | null;
      peerName: string;
      peerNetnsPath: string;
      peerMacAddress: string | null;
      /** of this end, from its first notice on */
      group?: number | null;
    }
  /**
   * ip link add link <parent> name <name> netns <netnsPath> [address <mac>] [mtu <mtu>] type macvlan mode <mode>
   *   [bclim <broadcastLimit>]
   * The parent is a link of the socket's namespace; the new one is made directly in the other, and not up. ENODEV, with
   * the name, if the parent does not exist; EEXIST if the other namespace has the name; EOPNOTSUPP, with the kind, if
   * the kernel does not support it. A kernel before 6.4 ignores broadcastLimit; -1: broadcasts are not queued.
   */
  | {
      verb: 'addMacvlan';
      name: string;
      parent: string;
      mode: MacvlanMode;
      broadcastLimit: number | null;
      macAddress: string | null;
      mtuBytes: number | null;
      netnsPath: string;
    }
  /** ip link add link <parent> name <name> netns <netnsPath> [mtu <mtu>] type ipvlan mode <mode>; as addMacvlan */
  | {
      verb: 'addIpvlan';
      name: string;
      parent: string;
      mode: 'l2' | 'l3' | 'l3s';
      mtuBytes: number | null;
      netnsPath: string;
    }
  /**
   * ip link set <name> [up|down] [master <bridge>|nomaster] [address …] [mtu …] [alias …] [group <n>] [addrgenmode …]
   * plus, per device and without /proc, IPv4 configuration by IFLA_AF_SPEC → AF_INET → IFLA_INET_CONF
   * (e.g. routeLocalnet, forwarding, rpFilter, arpNotify) and for IPv6 the address generation mode.
   * A member that is null (or absent) is not changed; master "" means nomaster. One RTM_SETLINK.
   */
  | {
      verb: 'setLink';
      name: string;
      up?: boolean | null;
      master?: string | null;
      macAddress?: string | null;
      mtuBytes?: number | null;
      alias?: string | null;
      /** see `nft`'s `meta iifgroup` */
      group?: number | null;
      ipv4Configuration?: {
        routeLocalnet?: boolean;
        forwarding?: boolean;
        rpFilter?: number;
        arpNotify?: boolean;
      } | null;
      ipv6AddressGeneration?: 'none' | 'eui64' | null;
      /**
       * bridge link set dev <name> hairpin on|off. Where br_netfilter is loaded, a container reaches its own published
       * port only with it: the translated packet must leave by the port it came in by.
       */
      hairpin?: boolean | null;
      /**
       * bridge vlan add dev <name> vid <vlan> pvid untagged, before the link is set up; what else it was a member of
       * (VLAN 1 of every port) it stays. Its own failure is { op: 'set bridge vlan' }: EOPNOTSUPP when the link is in
       * no bridge, or bridges cannot filter. Reports the first failure of the request; the rest of it was tried
       * nevertheless.
       */
      bridgeVlan?: number | null;
    }
  /** ip link delete <name> */
  | { verb: 'deleteLink'; name: string }
  /** ip address add <address> dev <link> [nodad] [noprefixroute] */
  | { verb: 'addAddress'; link: string; address: string; noDad: boolean }
  /** ip address delete <address> dev <link> */
  | { verb: 'deleteAddress'; link: string; address: string }
  /**
   * ip route add [<type>] <destination> [via <gateway>] [dev <link>] [metric <metric>] proto static
   * `type` is unicast unless given; the other types refuse and have neither gateway nor link.
   */
  | {
      verb: 'addRoute';
      destination: string;
      gateway: string | null;
      link: string | null;
      metric: number | null;
      type?: RouteType | null;
    }
  /** ip route delete [<type>] …: omitted members match every route; IPv6 ignores the type. */
  | {
      verb: 'deleteRoute';
      destination: string;
      gateway: string | null;
      link: string | null;
      metric: number | null;
      type?: RouteType | null;
    };

/**
 * Performs the requests in order, with as few sends as possible (one, unless the index of a link that an earlier
 * request makes is needed), and returns for each null or its error. A failure does not stop the others.
 */
export function route(socket: RouteSocket, requests: RouteRequest[]): (SystemFault | null)[];

export interface LinkStatistics {
  rxBytes: number;
  txBytes: number;
  rxPackets: number;
  txPackets: number;
  rxErrors: number;
  txErrors: number;
  rxDropped: number;
  txDropped: number;
}
export interface LinkInfo {
  index: number;
  name: string;
  /** IFLA_INFO_KIND: "veth", "bridge", …; null for physical devices and loopback */
  kind: string | null;
  macAddress: string | null;
  mtuBytes: number;
  up: boolean;
  loopback: boolean;
  masterIndex: number | null;
  /** index of the other end (veth) in its own namespace */
  peerIndex: number | null;
  /** IFLA_LINK of links other than veths: a macvlan's parent, by its index in its own namespace */
  parentIndex: number | null;
  /** namespace of the peer or parent, by its number in the socket's (netnsIdOf); null when it is the link's own */
  peerNetnsId: number | null;
  /** of a bridge; null for other links */
  vlanFiltering: boolean | null;
  /** of a macvlan; null for other links */
  macvlanMode: MacvlanMode | null;
  /** of a macvlan, where it is not the kernel's default */
  broadcastLimit: number | null;
  alias: string | null;
  /** IFLA_GROUP; 0: the default */
  group: number;
  /** of a bridge port; null for other links */
  hairpin: boolean | null;
  /** null for the modes that netloom does not use, and without IPv6 */
  ipv6AddressGeneration: 'none' | 'eui64' | null;
  ipv4Configuration: { routeLocalnet: boolean; forwarding: boolean; arpNotify: boolean; rpFilter: number } | null;
  /** null where the link has no IPv6 (its MTU is below 1280, or the kernel has none) */
  ipv6Configuration: {
    forwarding: boolean;
    acceptRa: number;
    autoconf: boolean;
    acceptDad: number;
    disableIpv6: boolean;
  } | null;
  statistics: LinkStatistics;
}
/** ip -s link show [dev <name>]; linkByName returns null if the link does not exist. */
export function listLinks(socket: RouteSocket): LinkInfo[];
/**
 * Settings of every bridge (`ip -d link show type bridge`), of some of which the kernel sends no notices: with 100
 * bridges less than a millisecond, so that it can be asked every second.
 */
export function listBridgeSettings(
  socket: RouteSocket,
): Pick<LinkInfo, 'index' | 'ipv4Configuration' | 'ipv6Configuration'>[];
export function linkByName(socket: RouteSocket, name: string): LinkInfo | null;
/** The name of the link with that index, without the kernel's lock; null if the link does not exist. */
export function linkName(socket: RouteSocket, index: number): string | null;

export interface AddressInfo {
  linkIndex: number;
  /** "10.88.0.2/16" */
  address: string;
  scope: 'global' | 'link' | 'host' | 'other';
}
export function listAddresses(socket: RouteSocket): AddressInfo[];

export interface RouteInfo {
  /** "0.0.0.0/0", "::/0", "10.88.0.0/16" */
  destination: string;
  gateway: string | null;
  linkIndex: number | null;
  metric: number | null;
  /** refusing types have no gateway and no link */
  type: RouteType | 'other';
  /** preferred source */
  source: string | null;
  /** made by the kernel with an address of the link */
  connected: boolean;
}
/** ip route show table main, IPv4 and IPv6; multicast, local, broadcast and cloned entries left out. */
export function listRoutes(socket: RouteSocket): RouteInfo[];
/** ip route get <address>: the source address that the kernel would use; null when unreachable. No packet is sent. */
export function sourceAddressFor(socket: RouteSocket, address: string): string | null;
/**
 * ip route get <address>: the index of the link that the kernel would send by; null when unreachable. No packet is
 * sent.
 */
export function linkTowards(socket: RouteSocket, address: string): number | null;

/** ip route get <address>: whether the result is `local`, so that this host accepts packets to the address. */
export function isLocalAddress(socket: RouteSocket, address: string): boolean;

/**
 * The number of the namespace at `path` in the socket's namespace (as in notices of all namespaces); null if it has
 * none. Equivalent to: ip netns list-id. Throws ENOENT; EINVAL if `path` is not a namespace.
 */
export function netnsIdOf(socket: RouteSocket, path: string): number | null;
/**
 * ip netns set <path> auto: returns the number of the namespace at `path`, or assigns the lowest free one, so the
 * number of a namespace that has ended is soon used again. (The kernel also assigns a number to the namespace of the
 * other end of every veth.)
 */
export function assignNetnsId(socket: RouteSocket, path: string): number;

// --------------------------------------------------------------------------------------------------------- nftables

/**
 * Loads ruleset text (nft -f) in one transaction through libnftables.so.1, found at run time. ENOENT if it is missing.
 */
export function loadRuleset(text: string): void;

/**
 * A lasting nfnetlink socket in the namespace of the thread that opened it (closing one after a deletion waits 10 ms).
 */
export class NftSocket {
  private constructor();
  close(): void;
}
export function openNftSocket(): NftSocket;

/** The families that a table may be of; where none is given: inet. */
export type NftFamily = 'inet' | 'bridge';

/** Bytes in the kernel's form: every field of a concatenation padded to 4 bytes, network byte order. */
export interface NftElement {
  /** of the table, default: inet; not in answers and notices, where it is known */
  family?: NftFamily;
  set: string;
  key: Uint8Array;
  /** end of the range, inclusive, for concatenations with intervals; null otherwise */
  keyEnd: Uint8Array | null;
  /** for a plain (not concatenated) interval set: this element closes the interval before it (exclusive end) */
  intervalEnd: boolean;
  /** value of a map's element */
  data: Uint8Array | null;
  /** element comment, ≤ 128 bytes; null for none */
  comment: string | null;
}
export interface NftChange {
  verb: 'add' | 'create' | 'delete';
  element: NftElement;
}
/**
 * nft add|create|delete element <family> <table> <set> { … }: all changes in one batch, in order, all or none, in any
 * families. An existing element can be added again with the same data, but not created (EEXIST). Deleting a missing
 * element fails with ENOENT. Returns for each change null or its error; if any failed, nothing was changed.
 */
export function changeElements(socket: NftSocket, table: string, changes: NftChange[]): (SystemFault | null)[];
export interface ListedElement extends NftElement {
  /**
   * Traffic that has matched since the element was made; null unless the set or map has `counter;`. The kernel gives every new element its own counter, from zero, although the batch does not mention it.
   */
  counter: { packets: number; bytes: number } | null;
}
/** nft list set|map <family> <table> <set>. Throws ENOENT if the table or set does not exist. */
export function listElements(socket: NftSocket, table: string, set: string, family?: NftFamily): ListedElement[];
/**
 * nft get element <family> <table> <set> { … }: for each, whether it exists with the same data, by one look-up in its
 * set; a missing set has no elements. The end of a plain interval is not found where another one begins.
 */
export function hasElements(socket: NftSocket, table: string, elements: NftElement[]): boolean[];
/** nft list tables <family>: the names. */
export function listTables(socket: NftSocket, family?: NftFamily): string[];
/**
 * nft --terse list table <family> <table>: the contents of a table, by names and numbers; null if it does not exist.
 * `sets` includes maps, but not the nameless sets within rules. The three lists are read one after another, so they may
 * not match if the table changes meanwhile.
 */
export function inspectTable(
  socket: NftSocket,
  table: string,
  family?: NftFamily,
): { chains: { name: string; rules: number }[]; sets: string[] } | null;
/** nft delete table <family> <table>; false: it did not exist. */
export function deleteTable(socket: NftSocket, table: string, family?: NftFamily): boolean;

// ---------------------------------------------------------------------------------------------- connection tracking

/** Selects connections by the destination of their first packet, before any translation. */
export interface ConntrackSelection {
  protocol: 'tcp' | 'udp' | 'sctp';
  family: 4 | 6;
  /** null: any */
  destination: string | null;
  firstPort: number;
  lastPort: number;
}
/**
 * conntrack -D -f <family> -p <protocol> [--orig-dst <destination>] --orig-port-dst <port>, for every selection and
 * every port from firstPort to lastPort, in the namespace of the socket. Returns by how many connections the namespace
 * has fewer, which on a busy host may include others that begin or end meanwhile; 0 if the kernel tracks no
 * connections. 6 us without any connection in the namespace; 0.13 ms per port if the kernel can compare (newer kernels,
 * such as 6.18, up to 32 ports in a range, and no IPv6 destination). Otherwise it lists the table of the whole host (9
 * ms for 262,144 buckets), once for all selections of a call.
 */
export function deleteConntrack(socket: NftSocket, selections: ConntrackSelection[]): number;

// -------------------------------------------------------------------------------------------------- sysctls and ports

/**
 * sysctl -w <key>=<value> ("net.ipv4.ip_forward"), in that namespace; writes only what differs. true: it was written.
 */
export function setSysctl(netnsPath: string | null, key: string, value: string): boolean;
/** `key` as in setSysctl, e.g. "net/ipv6/conf/eth0.5/accept_ra". */
export interface Sysctl {
  key: string;
  value: string;
}
/**
 * The same for several, in order. Returns for each the previous value, or null if it was equal. Throws ENOENT at the
 * first key that the kernel does not have: net.ipv6 without IPv6, or a link without it.
 */
export function setSysctls(netnsPath: string | null, settings: Sysctl[]): (string | null)[];
/** null: the kernel does not have the key. */
export function getSysctl(netnsPath: string | null, key: string): string | null;

/** A host port that is really bound (never listened on), in the calling thread's namespace, until closed. */
export class HeldPort {
  private constructor();
  readonly port: number;
  close(): void;
}
/** port 0: the kernel picks. Throws EADDRINUSE, EADDRNOTAVAIL, EACCES. IPv6 addresses are bound v6-only. */
export function holdPort(protocol: 'tcp' | 'udp' | 'sctp', address: string, port: number): HeldPort;
/**
 * A bound UDP socket as a file descriptor, for `socket.bind({fd})`, which owns it then. The receive buffer has
 * `receiveBytes` (the kernel doubles it for its bookkeeping), even above net.core.rmem_max. Throws the same errors as
 * holdPort.
 */
export function openUdpSocket(address: string, port: number, receiveBytes: number): number;

/** UDP port 68 of one link of a namespace, without the kernel's own UDP. Its namespace lives while it is open. */
export class DhcpSocket {
  private constructor();
  /** Closes the socket; one that a watch reads from is closed with that watch. */
  close(): void;
}
/** Sends a datagram from port 68 to port 67, over a link that may have no address. */
export interface DhcpSending {
  source: string;
  destination: string;
  destinationMac: string;
  payload: Uint8Array;
}
/** A datagram for port 68, complete and with a correct checksum. */
export interface DhcpDatagram {
  source: string;
  sourceMac: string;
  payload: Uint8Array;
}
/**
 * Opens a packet socket with a filter, as dhclient does, for messages with that transaction number (32 bits). Throws
 * ENOENT without that namespace, ENODEV without that link, EOPNOTSUPP if the link has no MAC address.
 */
export function openDhcpSocket(netnsPath: string, link: string, transaction: number): DhcpSocket;
/** Throws ENETDOWN if the link is down, ENXIO if it was removed. */
export function sendDhcp(socket: DhcpSocket, datagram: DhcpSending): void;

/**
 * Locks a directory until the returned file descriptor is closed, or the process ends; null: another open file has the
 * lock. Writes nothing. Equivalent to: `flock --nonblock <path>`. Throws ENOENT, ENOTDIR, and flock(2)'s error if the
 * file system cannot lock directories.
 */
export function lockDirectory(path: string): number | null;

// --------------------------------------------------------------------------------------------------------- watching

/**
 * Callbacks arrive on the calling thread's event loop (no polling, no extra thread); an open watch keeps it alive
 * unless unref'd.
 */
export class Watch {
  private constructor();
  unref(): void;
  /** Pauses until resume(); notices wait in the kernel meanwhile (4 MiB, then overrun). */
  pause(): void;
  resume(): void;
  close(): void;
}
/**
 * `netnsId`: number of the notice's namespace in the watching namespace (netnsIdOf); null: the watching namespace
 * itself. Indexes are those of the notice's namespace.
 *
 * The kernel does not announce: IPv4 routes that are removed because their link is set down or deleted, and objects in
 * a namespace that ends (except the outer end of its veth: `link.deleted`).
 */
export type RouteNotice =
  | {
      kind: 'link.changed' | 'link.deleted';
      netnsId: number | null;
      name: string;
      index: number;
      up: boolean;
      /** this change set it down; false for a link that is new, or was down before */
      wentDown: boolean;
      masterIndex: number | null;
      alias: string | null;
      /** IFLA_GROUP; 0: the default */
      group: number;
      /** LinkInfo.kind: "veth", "bridge", … */
      linkKind: string | null;
      mtuBytes: number;
    }
  | { kind: 'address.added' | 'address.deleted'; netnsId: number | null; linkIndex: number; address: string }
  | { kind: 'route.added' | 'route.deleted'; netnsId: number | null; route: RouteInfo }
  /**
   * net.ipv4.conf or net.ipv6.conf of one link, of all, or of future links ('default'); null: not in the notice. The
   * kernel announces a link's whole configuration when the link is made, nothing when a value stays the same, and only
   * these keys. A write of `all.forwarding` (ip_forward) is one notice for 'all', 'default' and each link.
   */
  | {
      kind: 'netconf.changed';
      netnsId: number | null;
      family: 4 | 6;
      linkIndex: number | 'all' | 'default';
      forwarding: boolean | null;
      rpFilter: number | null;
    }
  /** a namespace that had a number here (netnsIdOf) has ended; its links will be removed */
  | { kind: 'netns.ended'; netnsId: number | null; number: number }
  /** the kernel dropped notices (ENOBUFS): everything must be compared again */
  | { kind: 'overrun' };
/**
 * ip monitor link address route netconf, in the calling thread's namespace. Notices come in batches, in order.
 * `allNamespaces` (ip monitor all-nsid): also notices of every other namespace that has a number in this one.
 * `deletionsOnly`: only deletions; other notices do not wake the thread.
 */
export function watchRoutes(
  groups: {
    links: boolean;
    addresses: boolean;
    routes: boolean;
    settings?: boolean;
    /** the end of namespaces (ip monitor nsid) */
    namespaces?: boolean;
    allNamespaces?: boolean;
    deletionsOnly?: boolean;
  },
  callback: (notices: RouteNotice[]) => void,
): Watch;
/** `name`: the chain of a rule, the set of an element; null for a table. */
export type NftNotice =
  | { kind: NftEvent<'deleted'> | NftEvent<'added'>; family: NftFamily; table: string; name: string | null }
  /** one notice per element, also when its set is flushed; none when the set or table is deleted as a whole */
  | {
      kind: 'element.added' | 'element.deleted';
      family: NftFamily;
      table: string;
      name: string;
      element: NftElement;
    }
  | { kind: 'overrun' };
type NftEvent<Verb extends string> = `${'table' | 'chain' | 'rule' | 'set'}.${Verb}`;
/** nft monitor, families inet and bridge only. */
export function watchNft(callback: (notices: NftNotice[]) => void): Watch;
/** Calls back once when the process has ended (a zombie counts as ended). Throws ESRCH if it has ended already. */
export function watchProcess(pid: number, callback: () => void): Watch;
/** Calls back with the datagrams that arrive: of up to 32, the complete ones. */
export function watchDhcp(socket: DhcpSocket, callback: (datagrams: DhcpDatagram[]) => void): Watch;
