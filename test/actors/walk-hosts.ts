import { type ChildProcess, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import * as native from '#native';
import { decodeElement, encodeElement } from '../../src/core/firewall/encoding.ts';
import { describeElement, type NftSet, nftFamily, nftSets, nftTable } from '../../src/core/firewall/nft.ts';
import { NativeKernel } from '../../src/kernel/native-kernel.ts';
import type { KernelServices } from '../../src/kernel/services.ts';
import { DefinitionStore } from '../../src/networks/definition-store.ts';
import { ResolverClient } from '../../src/resolver/client.ts';
import { ResolverKeeper } from '../../src/resolver/keeper.ts';
import { FakeKernel } from '../support/fake-kernel.ts';
import { FakeLinux, type FakeNetns } from '../support/fake-linux.ts';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';
import { servicesIn } from '../support/kernel-services.ts';
import { killed, startSleeper } from '../support/sleepers.ts';
import { WalkEngine } from './walk-engine.ts';
import { withoutPicks } from './walk-plain.ts';

/** Two daemons that are told the same: one on Linux, one on a host in memory. */
export interface WalkHost {
  name: string;
  daemon: WalkEngine;
  /** all that netloom could have touched, in words */
  picture(): Record<string, string[]>;
  startProcess(): Promise<number>;
  endProcess(pid: number): Promise<void>;
  /** somebody else deletes a link of the host */
  deleteLink(name: string): void;
  /** another program removes the definition file of a network; whether there was one */
  loseDefinition(network: string): boolean;
  close(): Promise<void>;
}

/** Both daemons keep their namespaces by the same names: paths in answers are the same. */
export interface WalkSettings {
  workers: number;
  /** a veth that leads outside, with an address of its own: a parent, and a subnet that is taken */
  uplink: { name: string; address: string };
  /** a namespace of somebody else's, below the directory of namespaces */
  foreignNetns: string;
  /** udp and tcp, on every address: somebody else's */
  takenPort: number;
}

/**
 * The resolver is in another thread, and what other actors say may be heard before its answer or after. In a walk it is
 * always heard before, on both hosts, and before it opens a port: a message between actors is one turn of the event loop.
 */
async function manyTurns(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function slowly(client: ResolverClient): KernelServices['names'] {
  return {
    serve: (network) => manyTurns().then(() => client.serve(network)),
    retire: (network) => client.retire(network),
    add: (entry) => client.add(entry),
    remove: (network, container) => client.remove(network, container),
  };
}

const uplinkPeer = (name: string) => `${name}x`;

// ------------------------------------------------------------------------------------------------------------- Linux

/** This test file as a host of its own. Call it once per file, before the other. */
export async function linuxHost(settings: WalkSettings): Promise<{ host: WalkHost; netnsDirectory: string }> {
  await becomeFreshHost();
  const directory = temporaryDirectory();
  const netnsDirectory = `${directory.path}/netns`;
  mkdirSync(netnsDirectory);
  const { uplink, foreignNetns, takenPort, workers } = settings;
  native.createNetns(`${netnsDirectory}/${foreignNetns}`).socket.close();
  execFileSync('ip', ['link', 'add', uplink.name, 'type', 'veth', 'peer', 'name', uplinkPeer(uplink.name)]);
  for (const name of [uplink.name, uplinkPeer(uplink.name)])
    execFileSync('ip', ['link', 'set', name, 'addrgenmode', 'none', 'up']);
  execFileSync('ip', ['address', 'add', uplink.address, 'dev', uplink.name]);
  const taken = (['tcp', 'udp'] as const).map((protocol) => native.holdPort(protocol, '0.0.0.0', takenPort));
  const resolver = await ResolverKeeper.start();
  const names = Array.from({ length: workers }, () => new ResolverClient(resolver.connect() as MessagePort));
  const definitions = new DefinitionStore(`${directory.path}/networks`);
  const services = servicesIn(directory.path);
  const kernels = names.map((client) => new NativeKernel(netnsDirectory, { ...services, names: slowly(client) }));
  const route = native.openRouteSocket(null);
  const nft = native.openNftSocket();
  const daemon = new WalkEngine(directory.path, netnsDirectory, kernels, definitions);
  const processes = new Map<number, ChildProcess>();
  const host: WalkHost = {
    name: 'Linux',
    daemon,
    picture: () => ({
      ...pictureOf(null, route),
      ...Object.fromEntries(
        readdirSync(netnsDirectory)
          .sort()
          .flatMap((name) => Object.entries(pictureWithin(`${netnsDirectory}/${name}`, name))),
      ),
      elements: sets.flatMap((set) =>
        native
          .listElements(nft, nftTable, set, nftFamily(set))
          .map((element) => withoutPicks(describeElement(decodeElement(set, element))))
          .sort(),
      ),
      definitions: definitions
        .list()
        .definitions.map(({ name }) => name)
        .sort(),
    }),
    startProcess: async () => {
      const child = await startSleeper(['unshare', '--net']);
      processes.set(child.pid, child);
      return child.pid;
    },
    endProcess: async (pid) => {
      const child = processes.get(pid);
      if (!child) return;
      processes.delete(pid);
      await killed(child);
    },
    deleteLink: (name) => void native.route(route, [{ verb: 'deleteLink', name }]),
    loseDefinition: (network) => {
      const had = definitions.has(network);
      rmSync(`${directory.path}/networks/${network}.json`, { force: true });
      return had;
    },
    close: async () => {
      for (const pid of [...processes.keys()]) await host.endProcess(pid);
      await daemon.close();
      for (const kernel of kernels) kernel.close();
      for (const client of names) client.close();
      await resolver.stop();
      for (const port of taken) port.close();
      route.close();
      nft.close();
      for (const name of readdirSync(netnsDirectory)) native.removeNetns(`${netnsDirectory}/${name}`);
      directory.remove();
    },
  };
  return { host, netnsDirectory };
}

const sets = Object.keys(nftSets) as NftSet[];

function pictureWithin(path: string, name: string): Record<string, string[]> {
  if (!native.netnsIdentity(path)) return { [`${name} pin`]: ['is no namespace'] };
  const socket = native.openRouteSocket(path);
  try {
    return pictureOf(name, socket);
  } finally {
    socket.close();
  }
}

function pictureOf(netns: string | null, socket: native.RouteSocket): Record<string, string[]> {
  const links = native.listLinks(socket);
  const nameOf = (index: number | null) => links.find((link) => link.index === index)?.name ?? null;
  const addresses = native.listAddresses(socket).filter(({ scope }) => scope === 'global');
  const isOurs = ({ gateway, type }: native.RouteInfo) => gateway !== null || type !== 'unicast';
  return inWords(netns, {
    links: links.map((link) => ({
      ...link,
      kind: link.loopback ? 'loopback' : link.kind,
      master: nameOf(link.masterIndex),
    })),
    addresses: addresses.map(({ linkIndex, address }) => ({ link: nameOf(linkIndex), address })),
    routes: native.listRoutes(socket).filter(isOurs),
  });
}

interface Seen {
  links: {
    name: string;
    kind: string | null;
    up: boolean;
    master: string | null;
    alias: string | null;
    mtuBytes: number;
  }[];
  addresses: { link: string | null; address: string }[];
  routes: { destination: string; gateway: string | null; metric: number | null; type: string }[];
}

function inWords(netns: string | null, { links, addresses, routes }: Seen): Record<string, string[]> {
  const where = netns ?? 'host';
  return {
    [`${where} links`]: links
      .map(({ name, kind, up, master, alias, mtuBytes }) =>
        [
          name,
          kind,
          up ? 'up' : 'down',
          `master ${master}`,
          `alias ${alias}`,
          kind === 'loopback' ? '' : mtuBytes,
        ].join(' '),
      )
      .sort(),
    [`${where} addresses`]: addresses.map(({ link, address }) => `${link} ${address}`).sort(),
    [`${where} routes`]: routes
      .map(({ destination, gateway, metric, type }) => `${type} ${destination} via ${gateway} metric ${metric}`)
      .sort(),
  };
}

// --------------------------------------------------------------------------------------------------------- in memory

export function fakeHost(settings: WalkSettings, netnsDirectory: string): WalkHost {
  const directory = temporaryDirectory();
  const linux = new FakeLinux();
  const { uplink, foreignNetns, takenPort, workers } = settings;
  linux.resolverAnswers = manyTurns;
  linux.pin(`${netnsDirectory}/${foreignNetns}`, linux.newNetns());
  linux.addVeth(linux.host, uplink.name, linux.host, uplinkPeer(uplink.name));
  for (const name of ['lo', uplink.name, uplinkPeer(uplink.name)]) {
    const { settings } = linux.host.links.get(name) ?? {};
    if (settings) settings.up = true;
  }
  linux.host.links.get(uplink.name)?.addresses.push(uplink.address);
  for (const protocol of ['tcp', 'udp'] as const)
    linux.bind({ holder: settings, protocol, address: '0.0.0.0', port: takenPort });
  const kernels = Array.from({ length: workers }, () => new FakeKernel(linux));
  const daemon = new WalkEngine(directory.path, netnsDirectory, kernels, linux.definitions);
  return {
    name: 'FakeLinux',
    daemon,
    picture: () => ({
      ...fakePicture(null, linux.host),
      ...Object.fromEntries(
        [...linux.pins]
          .map(([path, netns]) => [path.slice(netnsDirectory.length + 1), netns] as const)
          .sort(([one], [other]) => (one < other ? -1 : 1))
          .flatMap(([name, netns]) => Object.entries(fakePicture(name, netns))),
      ),
      // an interval is two entries in the kernel
      elements: sets.flatMap((set) =>
        linux
          .elementsOf(set)
          .flatMap(encodeElement)
          .map((element) => withoutPicks(describeElement(decodeElement(set, element))))
          .sort(),
      ),
      definitions: [...linux.definitions.keys()].sort(),
    }),
    startProcess: async () => linux.startProcess().pid,
    endProcess: async (pid) => linux.endProcess(pid),
    deleteLink: (name) => void linux.deleteLink(linux.host, name),
    loseDefinition: (network) => linux.definitions.delete(network),
    close: async () => {
      await daemon.close();
      for (const kernel of kernels) kernel.close();
      directory.remove();
    },
  };
}

function fakePicture(name: string | null, netns: FakeNetns): Record<string, string[]> {
  const links = [...netns.links.values()];
  return inWords(name, {
    links: links.map(({ name, kind, settings, master, mtuBytes }) => {
      return { name, kind, up: settings.up ?? false, master, alias: settings.alias ?? null, mtuBytes };
    }),
    addresses: links.flatMap(({ name, addresses }) =>
      addresses.filter((address) => !address.startsWith('fe80:')).map((address) => ({ link: name, address })),
    ),
    routes: netns.routes,
  });
}
