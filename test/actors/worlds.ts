import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import * as native from '#native';
import { decodeElement } from '../../src/core/firewall/encoding.ts';
import { describeElement, type NftSet, nftFamily, nftTable } from '../../src/core/firewall/nft.ts';
import type { Ipv6Settings } from '../../src/core/plan/interface-settings.ts';
import type { Protocol } from '../../src/core/port.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { NativeKernel } from '../../src/kernel/native-kernel.ts';
import { DefinitionStore } from '../../src/networks/definition-store.ts';
import { DhcpLan, type Dnsmasq } from '../support/dhcp-lan.ts';
import { FakeKernel } from '../support/fake-kernel.ts';
import { FakeLinux } from '../support/fake-linux.ts';
import { becomeFreshHost, ip, ipWithin, temporaryDirectory } from '../support/fresh-host.ts';
import { servicesIn } from '../support/kernel-services.ts';
import { killed, startSleeper } from '../support/sleepers.ts';

/** What the contract needs of a host from outside the kernel under test: one real, one in memory. */
export interface World {
  kernel: Kernel;
  /** path where a namespace of that name is, or will be, pinned */
  pin(name: string): string;
  isPinned(path: string): boolean;
  linkNames(netns?: string | null): string[];
  link(name: string, netns?: string | null): SeenLink | null;
  routes(netns: string): { destination: string; gateway: string; metric: number }[];
  /** in the form of describeElement */
  elements(set: NftSet): string[];
  /** sends a datagram from another program on this host to that IPv4 address and port, which begins a flow */
  startFlow(destination: string, port: number): void;
  /** ports of the flows to that address, in order */
  flowsTo(destination: string): number[];
  /** routes of the types that refuse: `blackhole 10.1.0.0/16` */
  deadEnds(netns: string): string[];
  /** names of networks that are defined in files */
  definitions(): string[];
  /** whether this kernel was built with a kind of link */
  knows(kind: string): boolean;
  sysctl(key: string, netns: string | null): string | null;
  /** accept_ra and the like of a link; null without IPv6 */
  ipv6(name: string, netns: string | null): Required<Ipv6Settings> | null;
  /** another program sets accept_ra */
  acceptRa(name: string, netns: string | null, value: number): void;
  /** another program sets rp_filter */
  rpFilter(name: string, netns: string | null, value: number): void;
  /** links that have a file of settings */
  settingsFiles(): string[];
  /** as another program does */
  addForeignVeth(name: string): void;
  deleteLink(name: string): void;
  isFree(protocol: Protocol, address: string, port: number): boolean;
  takePort(protocol: Protocol, address: string, port: number): { release(): void };
  /** starts a process in a network namespace of its own, or in the host's */
  startProcess(where?: 'own' | 'host'): Promise<{ pid: number; end(): Promise<void> }>;
  /** makes a link of that name, through which a DHCP server may be asked */
  lan(name: string): { serve(): Promise<void>; leases(): string[]; remove(): Promise<void> };
  close(): Promise<void>;
}

export interface SeenLink {
  kind: string;
  up: boolean;
  master: string | null;
  macAddress: string | null;
  mtuBytes: number;
  alias: string | null;
  addresses: string[];
}

export function fakeWorld(): World {
  const linux = new FakeLinux();
  linux.trusted = null;
  const kernel = new FakeKernel(linux);
  const links = (netns: string | null) => linux.netns(netns)?.links ?? new Map();
  return {
    kernel,
    pin: (name) => `/netns/${name}`,
    isPinned: (path) => linux.pins.has(path),
    linkNames: (netns = null) => [...links(netns).keys()],
    link: (name, netns = null) => {
      const link = links(netns).get(name);
      if (!link) return null;
      const { kind, master, macAddress, mtuBytes, addresses, settings } = link;
      const { up = false, alias = null } = settings;
      return { kind, up, master, macAddress, mtuBytes, alias, addresses: [...addresses] };
    },
    routes: (netns) =>
      (linux.netns(netns)?.routes ?? []).flatMap(({ destination, gateway, metric }) =>
        gateway === null ? [] : [{ destination, gateway, metric: metric ?? 0 }],
      ),
    elements: (set) => linux.elementsOf(set).map(describeElement).sort(),
    startFlow: (destination, port) => void linux.flows.push({ family: 4, destination, port }),
    flowsTo: (destination) =>
      linux.flows
        .filter((flow) => flow.destination === destination)
        .map(({ port }) => port)
        .sort(),
    deadEnds: (netns) =>
      (linux.netns(netns)?.routes ?? [])
        .filter(({ type }) => type !== 'unicast')
        .map(({ type, destination }) => `${type} ${destination}`),
    definitions: () => [...linux.definitions.keys()].sort(),
    knows: (kind) => !linux.missingKinds.has(kind),
    sysctl: (key, netns) => linux.netns(netns)?.sysctls.get(key) ?? null,
    ipv6: (name, netns) => {
      const inside = linux.netns(netns);
      const link = inside?.links.get(name);
      return inside && link && link.mtuBytes >= 1280 ? { ...inside.ipv6, ...link.ipv6 } : null;
    },
    acceptRa: (name, netns, acceptRa) => {
      const link = linux.netns(netns)?.links.get(name);
      if (link) link.ipv6 = { ...link.ipv6, acceptRa };
    },
    rpFilter: (name, netns, rpFilter) => {
      const link = linux.netns(netns)?.links.get(name);
      if (link) link.settings.ipv4 = { ...link.settings.ipv4, rpFilter };
    },
    settingsFiles: () => [...linux.settingsFiles.keys()].sort(),
    addForeignVeth: (name) => linux.addVeth(linux.host, name, linux.host, `${name}x`),
    deleteLink: (name) => void linux.deleteLink(linux.host, name),
    isFree: (protocol, address, port) => {
      const holder = {};
      const isFree = linux.bind({ holder, protocol, address, port });
      linux.releaseAll(holder);
      return isFree;
    },
    takePort: (protocol, address, port) => {
      const holder = {};
      linux.bind({ holder, protocol, address, port });
      return { release: () => linux.releaseAll(holder) };
    },
    startProcess: async (where = 'own') => {
      const { pid } = linux.startProcess(where === 'host' ? linux.host : linux.newNetns());
      return { pid, end: async () => linux.endProcess(pid) };
    },
    lan: (name) => {
      linux.addVeth(linux.host, name, linux.host, `${name}x`);
      return {
        serve: async () => {
          linux.servesDhcp = true;
        },
        leases: () => [...linux.dhcpLeases.values()],
        remove: async () => {
          linux.servesDhcp = false;
          linux.deleteLink(linux.host, name);
        },
      };
    },
    close: async () => kernel.close(),
  };
}

interface IpLink {
  ifname: string;
  flags: string[];
  master?: string;
  address: string;
  mtu: number;
  ifalias?: string;
  linkinfo?: { info_kind?: string };
  addr_info: { local: string; prefixlen: number; scope: string }[];
}

/** Makes this test file a host of its own. Call it once per file. */
export async function realWorld(): Promise<World> {
  await becomeFreshHost();
  const directory = temporaryDirectory();
  const netns = `${directory.path}/netns`;
  mkdirSync(netns);
  const kernel = new NativeKernel(netns, servicesIn(directory.path));
  kernel.serve(0);
  const nft = native.openNftSocket();
  const kinds = new Set(['macvlan', 'ipvlan'].filter((kind) => canMake(kind)));
  const ask = <T>(path: string | null, ...args: string[]) =>
    path === null ? ip<T>(...args) : ipWithin<T>(path, ...args);
  const pins = new Set<string>();
  const children = new Set<ChildProcess>();
  return {
    kernel,
    pin: (name) => {
      pins.add(`${netns}/${name}`);
      return `${netns}/${name}`;
    },
    isPinned: (path) => native.netnsIdentity(path) !== null,
    linkNames: (path = null) => ask<IpLink[]>(path, 'link').map(({ ifname }) => ifname),
    link: (name, path = null) => {
      const found = ask<IpLink[]>(path, '-d', 'address').find(({ ifname }) => ifname === name);
      return found ? seen(found) : null;
    },
    routes: (path) =>
      (['-4', '-6'] as const)
        .flatMap((family) => ask<{ dst: string; gateway?: string; metric?: number }[]>(path, family, 'route'))
        .flatMap(({ dst, gateway, metric }) =>
          gateway ? [{ destination: dst === 'default' ? anywhere(gateway) : dst, gateway, metric: metric ?? 0 }] : [],
        ),
    elements: (set) =>
      native
        .listElements(nft, nftTable, set, nftFamily(set))
        .map((element) => describeElement(decodeElement(set, element)))
        .sort(),
    startFlow: (destination, port) => void execFileSync('bash', ['-c', `printf x > /dev/udp/${destination}/${port}`]),
    flowsTo: (destination) =>
      execFileSync('conntrack', ['-L', '-p', 'udp', '--orig-dst', destination], { encoding: 'utf8', stdio: 'pipe' })
        .split('\n')
        .flatMap((line) => /dport=(\d+)/.exec(line)?.[1] ?? [])
        .map(Number)
        .sort(),
    deadEnds: (path) => {
      const socket = native.openRouteSocket(path);
      try {
        const routes = native.listRoutes(socket).filter(({ type }) => type !== 'unicast');
        return routes.map(({ type, destination }) => `${type} ${destination}`);
      } finally {
        socket.close();
      }
    },
    definitions: () => new DefinitionStore(`${directory.path}/networks`).list().definitions.map(({ name }) => name),
    knows: (kind) => kinds.has(kind),
    sysctl: (key, path) => native.getSysctl(path, key),
    ipv6: (name, path) => {
      const read = (setting: string) => native.getSysctl(path, `net/ipv6/conf/${name}/${setting}`);
      if (read('accept_ra') === null) return null;
      return {
        forwarding: read('forwarding') === '1',
        acceptRa: Number(read('accept_ra')),
        autoconf: read('autoconf') === '1',
        acceptDad: Number(read('accept_dad')),
        disableIpv6: read('disable_ipv6') === '1',
      };
    },
    acceptRa: (name, path, value) => void native.setSysctl(path, `net/ipv6/conf/${name}/accept_ra`, `${value}`),
    rpFilter: (name, path, value) => void native.setSysctl(path, `net/ipv4/conf/${name}/rp_filter`, `${value}`),
    settingsFiles: () =>
      existsSync(`${directory.path}/sysctl.d`)
        ? readdirSync(`${directory.path}/sysctl.d`)
            .map((file) => /^10-netloom-(.+)\.conf$/.exec(file)?.[1] ?? file)
            .sort()
        : [],
    addForeignVeth: (name) =>
      void execFileSync('ip', ['link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}x`]),
    deleteLink: (name) => void execFileSync('ip', ['link', 'delete', name]),
    isFree: (protocol, address, port) => {
      try {
        native.holdPort(protocol, address, port).close();
        return true;
      } catch {
        return false;
      }
    },
    takePort: (protocol, address, port) => {
      const held = native.holdPort(protocol, address, port);
      return { release: () => held.close() };
    },
    startProcess: async (where = 'own') => {
      const child = await startSleeper(where === 'own' ? ['unshare', '--net'] : []);
      children.add(child);
      return { pid: child.pid, end: () => killed(child) };
    },
    lan: (name) => {
      const lan = new DhcpLan(directory.path, name);
      let server: Dnsmasq | null = null;
      return {
        serve: async () => {
          server = await lan.dnsmasq();
        },
        leases: () => server?.leases() ?? [],
        remove: async () => {
          await server?.stop();
          lan.remove();
        },
      };
    },
    close: async () => {
      for (const child of children) child.kill('SIGKILL');
      nft.close();
      kernel.close();
      for (const path of pins) native.removeNetns(path);
      directory.remove();
    },
  };
}

/** Tries on a veth: there is no list of kinds to ask for. */
function canMake(kind: string): boolean {
  execFileSync('ip', ['link', 'add', 'probe', 'type', 'veth', 'peer', 'name', 'probex']);
  try {
    execFileSync('ip', ['link', 'add', 'link', 'probe', 'name', 'probe0', 'type', kind], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    execFileSync('ip', ['link', 'delete', 'probe']);
  }
}

const anywhere = (gateway: string): string => (gateway.includes(':') ? '::/0' : '0.0.0.0/0');

function seen({ flags, master, address, mtu, ifalias, linkinfo, addr_info }: IpLink): SeenLink {
  return {
    kind: linkinfo?.info_kind ?? 'loopback',
    up: flags.includes('UP'),
    master: master ?? null,
    macAddress: address,
    mtuBytes: mtu,
    alias: ifalias ?? null,
    addresses: addr_info
      .filter(({ scope }) => scope === 'global')
      .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
  };
}
