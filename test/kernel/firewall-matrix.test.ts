import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import type { Family } from '../../src/core/address.ts';
import type { NetworkDefinition } from '../../src/core/network/definition.ts';
import type { ContainerGrant } from '../../src/core/plan/container/grant.ts';
import { setupPlan, teardownPlan, unlinkPlan } from '../../src/core/plan/container/plan.ts';
import { statusBlocks } from '../../src/core/plan/container/status.ts';
import { lowerPlan, raisePlan } from '../../src/core/plan/network.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import { type ReachabilityCell, type ReachableContainer, reachability } from '../../src/core/reachability.ts';
import { NativeKernel } from '../../src/kernel/native-kernel.ts';
import { definitionOf, leaseOf, wishOf } from '../core/samples.ts';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';
import { servicesIn } from '../support/kernel-services.ts';
import { hostAddress, OtherHost } from '../support/other-host.ts';
import { type Peer, Peers } from '../support/peer.ts';

// Three networks, each with a container that publishes a port and one that does not, and another host. For every
// choice of modes for the networks, each of them calls every container by TCP: by its address, and by this host's address and
// port. The connections that succeed must be those of the model, and the right container must answer.
//
//   open-a .2, shut-a .3  a 10.80.0.0/24, fd00:80::/64 ┐
//   open-b .2, shut-b .3  b 10.81.0.0/24, fd00:81::/64 ┼ host 192.0.2.1, fd00:2::1 ── other host
//   open-c .2, shut-c .3  c 10.82.0.0/24, fd00:82::/64 ┘
const modes = ['none', 'isolate=true', 'isolate=strict', 'internal'] as const;
type Mode = (typeof modes)[number];

/** Every choice of three modes, without regard to their order: the networks are alike. */
const choices: Mode[][] = modes.flatMap((a, i) =>
  modes.slice(i).flatMap((b, j) => modes.slice(i + j).map((c) => [a, b, c])),
);

const letters = ['a', 'b', 'c'] as const;
type Letter = (typeof letters)[number];
const number = (letter: Letter) => 80 + letters.indexOf(letter);
const hostPort = (letter: Letter) => 8000 + number(letter);
/** The port of every container's server; nothing on the host listens on it. */
const containerPort = 80;
/** Long enough for an answer to arrive; an expected connection that failed is tried again, with a longer limit. */
const silenceMs = 300;
const patienceMs = 5_000;

let directory: ReturnType<typeof temporaryDirectory>;
let kernel: NativeKernel;
let otherHost: OtherHost;
const peers = new Peers();
const callers = {} as Record<string, Peer>;
const seen = { configurations: 0, cells: 0, reached: 0, mismatches: 0 };

const ids = letters.flatMap((letter) => [`open-${letter}`, `shut-${letter}`]);
/** Containers, the host and the other host call all containers, by address and by port, over IPv4 and IPv6. */
const cellsOfOne = (ids.length + 2) * ids.length * 4;
const netnsOf = (id: string) => `${directory.path}/${id}`;

beforeAll(async () => {
  await becomeFreshHost();
  directory = temporaryDirectory();
  kernel = new NativeKernel(`${directory.path}/netns`, servicesIn(directory.path));
  otherHost = new OtherHost(directory.path);
  await perform({ purpose: { kind: 'base' }, kind: 'build', steps: [{ verb: 'nft.load' }] });
  callers.host = peers.in(null, 'host');
  callers.outside = peers.in(otherHost.netns, 'outside');
  // the containers join namespaces that stay, so that the servers in them do
  for (const id of ids) {
    native.createNetns(netnsOf(id)).socket.close();
    const lo = { verb: 'link.set', netns: netnsOf(id), name: 'lo', up: true } as const;
    await perform({ purpose: { kind: 'setup' }, kind: 'build', steps: [lo] });
    const peer = peers.in(netnsOf(id), id);
    callers[`container/${id}`] = peer;
    expect(await peer.serve('tcp', containerPort)).toBe('ready');
  }
});

afterAll(async () => {
  await peers.end();
  for (const id of ids) native.removeNetns(netnsOf(id));
  otherHost?.remove();
  kernel?.close();
  directory?.remove();
  console.log(
    `reachability: ${seen.configurations} configurations, ${seen.cells} cells checked, ${seen.reached} reached, ${seen.mismatches} mismatches`,
  );
});

async function perform({ steps }: Plan): Promise<void> {
  expect((await kernel.perform(steps)).failure).toBeNull();
}

function networkOf(letter: Letter, mode: Mode): NetworkDefinition {
  const subnets = [{ subnet: `10.${number(letter)}.0.0/24` }, { subnet: `fd00:${number(letter)}::/64` }];
  const made = definitionOf(
    { name: letter, subnets, dns_enabled: false, internal: mode === 'internal' },
    `br-${letter}`,
  );
  return mode.startsWith('isolate=') ? { ...made, options: { isolate: mode.slice('isolate='.length) } } : made;
}

function grantsOf(definition: NetworkDefinition): ContainerGrant[] {
  const letter = definition.name as Letter;
  return ['open', 'shut'].map((kind, index) => {
    const id = `${kind}-${letter}`;
    const ports = kind === 'open' ? [{ hostPort: hostPort(letter), containerPort }] : [];
    const wish = wishOf({ id, mode: `ns:${netnsOf(id)}`, networks: [{ network: letter }], ports });
    const addresses = [
      { address: `10.${number(letter)}.0.${2 + index}`, prefixLength: 24, gateway: `10.${number(letter)}.0.1` },
      { address: `fd00:${number(letter)}::${2 + index}`, prefixLength: 64, gateway: `fd00:${number(letter)}::1` },
    ];
    const link = {
      kind: 'bridge',
      bridge: definition.network_interface ?? '',
      vlanId: null,
      published: true,
      spoofing: 'guarded',
    } as const;
    const lease = leaseOf({ network: letter, link, internal: definition.internal, addresses });
    return { wish, netns: netnsOf(id), leases: { [letter]: lease }, ports: wish.ports };
  });
}

/** As `container.list` would show it. */
function viewOf(grant: ContainerGrant): ReachableContainer {
  const { wish, netns, ports } = grant;
  const inode = native.netnsIdentity(netns)?.inode ?? null;
  return { ...wish, netns: { path: netns, inode }, status: statusBlocks(grant), ports: [...ports] };
}

/** The destination of a cell's caller. A container without a published port is called as if its own were published. */
function endpoint({ to, by, family, port }: ReachabilityCell): [address: string, port: number] {
  if (by === 'port') return [hostAddress[family], port?.hostPort ?? containerPort];
  return [addressOf(to, family), containerPort];
}

function addressOf(id: string, family: Family): string {
  const letter = id.slice(-1) as Letter;
  const last = id.startsWith('open') ? 2 : 3;
  return family === 4 ? `10.${number(letter)}.0.${last}` : `fd00:${number(letter)}::${last}`;
}

async function isReached(cell: ReachabilityCell, withinMs: number): Promise<boolean> {
  const answer = await (callers[cell.from] as Peer).reach('tcp', ...endpoint(cell), withinMs);
  return answer.startsWith(`${cell.to}:${containerPort} sees `);
}

/** Describes a cell that differs from the model; null when it does not. */
async function mismatch(cell: ReachabilityCell): Promise<string | null> {
  const first = await isReached(cell, silenceMs);
  const reached = first || (cell.reachable && (await isReached(cell, patienceMs)));
  seen.cells++;
  if (reached) seen.reached++;
  if (reached === cell.reachable) return null;
  seen.mismatches++;
  const { from, to, by, family, reason } = cell;
  return `${from} to ${to} by ${by}, IPv${family}: ${reached ? 'reached' : 'not reached'}, the model says ${reason}`;
}

describe('connections between three networks match the model', () => {
  it.each(choices)('connections match the model for the modes %s, %s, %s', async (...chosen) => {
    const definitions = letters.map((letter, index) => networkOf(letter, chosen[index] as Mode));
    const grants = definitions.flatMap(grantsOf);
    try {
      // the host's own setting, made before a network is raised
      for (const key of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']) native.setSysctl(null, key, '1');
      for (const definition of definitions) await perform(raisePlan({ definition, searchDomain: 'dns.netloom' }));
      for (const grant of grants) await perform(setupPlan(grant));
      const cells = reachability(definitions, grants.map(viewOf));
      expect(cells).toHaveLength(cellsOfOne);
      seen.configurations++;
      expect((await Promise.all(cells.map(mismatch))).filter((words) => words !== null)).toEqual([]);
    } finally {
      for (const grant of grants) for (const plan of [teardownPlan(grant), unlinkPlan(grant)]) await perform(plan);
      for (const definition of definitions) await perform(lowerPlan({ definition, searchDomain: 'dns.netloom' }));
    }
  });

  it('every mode is tested beside every mode, and every cell', () => {
    const pairs = choices.flatMap((chosen) =>
      chosen.flatMap((one, i) => chosen.flatMap((other, j) => (i === j ? [] : [`${one} ${other}`]))),
    );
    expect(new Set(pairs).size).toBe(modes.length ** 2);
    expect(seen).toMatchObject({ configurations: choices.length, mismatches: 0 });
    expect(seen.cells).toBe(choices.length * cellsOfOne);
    // expectations that cannot fail, and expectations that always do, would show nothing
    expect(seen.reached).toBeGreaterThan(seen.cells / 4);
    expect(seen.reached).toBeLessThan(seen.cells / 2);
  });
});
