import type { OwnerMark } from '../object-names.ts';
import type { Ipv4Settings, Ipv6Settings } from '../plan/interface-settings.ts';
import { inDetail, type StepKinds, within } from './kind.ts';
import { type UponParentSteps, uponParentSteps } from './link-upon-parent.ts';

/** `alias`: a user chose the name; if the link's alias names another owner, it is left alone. */
interface Named {
  name: string;
  alias?: string;
}

/** The bridge of a network, to be removed only if netloom made it and no other network uses it. */
export interface MadeBridge {
  /** of a bridge of that name that netloom made; another one is left alone */
  macAddresses: string[];
  /**
   * its network; null: one that is not in the kernel yet. A bridge whose alias names another one is left alone, and so is one with
   * ports that are containers of others
   */
  network: OwnerMark | null;
  /** VLANs share it: its alias may name any of them, and it is left alone while it has addresses, except IPv6 link-local ones */
  shared?: boolean;
}

export interface LinkSteps extends UponParentSteps {
  /** ip link add <name> address <mac> type bridge [vlan_filtering 1]; `uplink`: the MTU of the link to the outside */
  'link.bridge': { name: string; macAddress: string; mtuBytes: number | 'uplink' | null; vlanFiltering?: boolean };
  /**
   * changes nothing: the link must exist. null: the uplink, by which this host reaches the outside. Output: its name, its MTU (or
   * the uplink's, if there is one), and the host's own addresses
   */
  'link.find': { name: string | null; mtuOf?: 'uplink' };
  /** ip link add <name> [address <mac>] group <vethGroup> type veth peer name <peer.name> address <peer.mac> netns <peer.netns> */
  'link.veth': {
    name: string;
    /** absent: in the plan of an older version, and left to the kernel */
    macAddress?: string;
    mtuBytes: number | null;
    peer: { netns: string; name: string; macAddress: string };
  };
  /** ip link set <name> … */
  'link.set': { netns: string | null; name: string } & LinkSettings;
  /** sysctl -w net.ipv6.conf.<name>.<setting>=<value> …, those that differ; a link without IPv6 has none. Output: the differences */
  'link.ipv6': { netns: string | null; name: string; settings: Ipv6Settings };
  /**
   * ip link show <name>, then <bridge>: until the kernel notices a port's carrier, which takes a while and much longer on a busy
   * machine, the bridge drops what is sent through it. A query of the link makes the kernel notice at once
   */
  'link.settle': { name: string; bridge: string };
  /** changes nothing: no link of this host has the name (EEXIST), except the veth that leads to that peer */
  'link.vacant': { name: string; peer: { netns: string; name: string } };
  /** ip link set <name> down, on this host: nothing passes any longer. Takes 0.1 ms, while deleting it waits for 10-25 */
  'link.cut': Named;
  /** ip link delete <name> */
  'link.delete': { netns: string | null; bridge?: MadeBridge } & Named;
  /** waits for the kernel to remove the link along with its namespace, and deletes it if it still exists after graceMs */
  'link.gone': { graceMs: number } & Named;
}

export interface LinkSettings {
  up?: boolean;
  master?: string;
  /** the VLAN of a bridge port: its untagged frames belong there */
  bridgeVlan?: number;
  /** lets a bridge send a packet back through the port of its arrival: a container that connects to its own published port */
  hairpin?: boolean;
  alias?: string;
  /** ip link set group: the firewall recognizes the host's ends of veths by it */
  group?: number;
  ipv4?: Ipv4Settings;
  ipv6AddressGeneration?: 'none' | 'eui64';
}

/** A link of this host that a step found. */
export interface FoundLink {
  name: string;
  mtuBytes: number;
  /** addresses of this host, on all links: `10.0.0.5`; without loopback and IPv6 link-local ones */
  addresses: string[];
  macAddress: string | null;
  /** route_localnet, as found */
  routesLoopback: boolean;
}

const nameOf = ({ name }: { name: string }): string => name;
const nameWithin = ({ name, netns }: { name: string; netns: string | null }): string => `${name}${within(netns)}`;

function describeSettings({ master, up, ipv4 }: LinkSettings): string {
  return [
    master === undefined ? '' : `master ${master}`,
    up === undefined ? '' : up ? 'up' : 'down',
    ipv4?.routeLocalnet === undefined ? '' : `route_localnet=${Number(ipv4.routeLocalnet)}`,
  ]
    .filter(Boolean)
    .join(' ');
}

const taken = { code: 'link.exists', words: inDetail } as const;

export const linkSteps: StepKinds<keyof LinkSteps> = {
  ...uponParentSteps,
  'link.bridge': {
    inverse: ({ name, macAddress, vlanFiltering }) => ({
      verb: 'link.delete',
      netns: null,
      name,
      bridge: { macAddresses: [macAddress], network: null, ...(vlanFiltering && { shared: true }) },
    }),
    describe: nameOf,
    linkMade: nameOf,
    faults: {
      EEXIST: taken,
      EOPNOTSUPP: {
        code: 'mode.unsupported',
        words: ({ vlanFiltering }) =>
          vlanFiltering
            ? 'this kernel has no bridges with VLAN filtering (option vlan)'
            : 'this kernel has no bridges (module bridge)',
      },
    },
  },
  'link.find': {
    inverse: null,
    describe: ({ name }) => name ?? 'to the outside',
    faults: {
      ENODEV: {
        code: 'link.unknown',
        words: ({ name }) =>
          name === null
            ? 'this host has no default route, so there is no interface that leads to the outside'
            : `this host has no interface ${name}`,
      },
    },
  },
  'link.veth': {
    inverse: ({ name }) => ({ verb: 'link.delete', netns: null, name }),
    describe: ({ name, peer }) => `${name} (${peer.name} in ${peer.netns})`,
    linkMade: nameOf,
    linkUsed: nameOf,
    faults: { EEXIST: taken },
  },
  'link.set': {
    inverse: null,
    describe: ({ name, netns, ...settings }) => `${name} ${describeSettings(settings)}${within(netns)}`,
    linkUsed: ({ name, netns }) => (netns === null ? name : null),
    faults: {
      ENODEV: {
        code: 'link.unknown',
        words: ({ name, master }) =>
          master === undefined
            ? `the interface ${name} is gone`
            : `the interface ${name} or its bridge ${master} is gone`,
      },
      EADDRINUSE: {
        code: 'mac.taken',
        words: () =>
          'another interface on the same parent has the MAC address, or has the parent for itself (mode=passthru)',
      },
      EXFULL: {
        code: 'bridge.full',
        words: ({ master }) => `the bridge ${master} has 1,023 ports, which is all that a bridge can have`,
      },
    },
  },
  'link.ipv6': { inverse: null, describe: nameWithin },
  'link.settle': { inverse: null, describe: nameOf },
  'link.vacant': {
    inverse: null,
    describe: nameOf,
    linkMade: nameOf,
    faults: { EEXIST: { code: 'link.exists', words: ({ name }) => `this host already has an interface ${name}` } },
  },
  'link.cut': { inverse: null, describe: nameOf },
  'link.delete': { inverse: null, describe: nameWithin },
  'link.gone': { inverse: null, describe: nameOf },
};
