import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as native from '#native';
import type { ContainerRequest } from '../../src/core/container/request.ts';
import { untilAnswered } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';
import { hostAddress, ipBatch, OtherHost, otherAddress } from '../support/other-host.ts';
import type { Peer } from '../support/peer.ts';

// Two machines, each on an uplink of its own, route everything through the host. Three hosts: one where netloom switches
// forwarding on, one where it is on already, one whose daemon is configured to forward foreign traffic as well.
//
//   lan 192.0.2.2, fd00:2::2 ─ up0 ─ host ─ up1 ─ 198.51.100.2, fd00:5::2 lan2
//                                     ├ plain 10.85.0.2, fd00:85::2    port 80 is published as 8080; 81 is not
//                                     ├ strict 10.86.0.2, fd00:86::2   isolate=strict; 80 is published as 8082
//                                     ├ local 10.87.0.2, fd00:87::2    80 is published on 127.0.0.1, as 8083
//                                     └ inside 10.88.0.2, fd00:88::2   internal

// enough on a machine whose processors are all busy, too
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

type Family = 4 | 6;
const families = [4, 6] as const;
const networks = { plain: 85, strict: 86, local: 87, inside: 88 } as const;
type Net = keyof typeof networks;
const secondUplink = { 4: '198.51.100.1', 6: 'fd00:5::1' } as const;
const secondAddress = { 4: '198.51.100.2', 6: 'fd00:5::2' } as const;
const everything = { 4: '0.0.0.0/0', 6: '::/0' } as const;
const subnet = { 4: (net: Net) => `10.${networks[net]}.0.0/24`, 6: (net: Net) => `fd00:${networks[net]}::/64` };
const addressOf = (net: Net, family: Family) => (family === 4 ? `10.${networks[net]}.0.2` : `fd00:${networks[net]}::2`);
const forwardingKeys = ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'];

const worlds = {
  'netloom switched it on': {
    found: '0',
    flags: [] as string[],
    shown: { since: 'netloom', foreign: 'apart' },
  },
  'it was on before': {
    found: '1',
    flags: [] as string[],
    shown: { since: 'before', foreign: 'forwarded' },
  },
  '--forward-foreign': {
    found: '0',
    flags: ['--forward-foreign'],
    shown: { since: 'netloom', foreign: 'forwarded' },
  },
};
type World = keyof typeof worlds;
const worldNames = Object.keys(worlds) as World[];

interface Question {
  from: string;
  what: string;
  port: number;
  address: (family: Family) => string;
  /** in each world, or one value per world */
  is: Outcome | Record<World, Outcome>;
  families?: readonly Family[];
}
type Outcome = 'reached' | 'refused';

const at = (net: Net) => (family: Family) => addressOf(net, family);
const host = (family: Family) => hostAddress[family];
const foreign: Question['is'] = {
  'netloom switched it on': 'refused',
  'it was on before': 'reached',
  '--forward-foreign': 'reached',
};
const questions: Question[] = [
  { from: 'lan', what: 'a published port', port: 8080, address: host, is: 'reached' },
  { from: 'lan', what: 'a published port, isolate=strict', port: 8082, address: host, is: 'reached' },
  { from: 'lan', what: 'a port published on 127.0.0.1', port: 8083, address: host, is: 'refused', families: [4] },
  { from: 'lan', what: 'its container, by address', port: 80, address: at('local'), is: 'refused' },
  { from: 'lan', what: 'a container, the port that is published', port: 80, address: at('plain'), is: 'refused' },
  { from: 'lan', what: 'a container, another port', port: 81, address: at('plain'), is: 'refused' },
  { from: 'lan', what: 'a container, isolate=strict', port: 81, address: at('strict'), is: 'refused' },
  { from: 'lan', what: 'a container, internal', port: 81, address: at('inside'), is: 'refused' },
  {
    from: 'lan',
    what: 'the other uplink’s machine',
    port: 70,
    address: (family) => secondAddress[family],
    is: foreign,
  },
  { from: 'lan', what: 'the host', port: 60, address: (family) => secondUplink[family], is: 'reached' },
  { from: 'lan2', what: 'a published port', port: 8080, address: (family) => secondUplink[family], is: 'reached' },
  { from: 'lan2', what: 'a container, another port', port: 81, address: at('plain'), is: 'refused' },
  {
    from: 'lan2',
    what: 'the other uplink’s machine',
    port: 70,
    address: (family) => otherAddress[family],
    is: foreign,
  },
  { from: 'host', what: 'a container, isolate=strict', port: 81, address: at('strict'), is: 'reached' },
  { from: 'host', what: 'a container, internal', port: 81, address: at('inside'), is: 'reached' },
  {
    from: 'plain',
    what: 'a machine on an uplink',
    port: 70,
    address: (family) => secondAddress[family],
    is: 'reached',
  },
  { from: 'plain', what: 'a container of another network', port: 81, address: at('local'), is: 'reached' },
  { from: 'plain', what: 'a container, isolate=strict', port: 81, address: at('strict'), is: 'refused' },
];
const outcomeIn = (world: World, { is }: Question): Outcome => (typeof is === 'string' ? is : is[world]);
const title = ({ from, what }: Question, family: Family) => `${from.padEnd(6)}${what.padEnd(42)}IPv${family}`;
/** Within this time a refused connection stays silent; an accepted one may take longer. */
const silenceMs = 700;

const seen = new Map<string, Partial<Record<World, string>>>();

let lab: Lab;
let other: OtherHost;
let secondNetns: string;
let peers: Record<string, Peer>;

async function openWorld({ found, flags }: (typeof worlds)[World]): Promise<void> {
  lab = await Lab.open(flags);
  for (const key of forwardingKeys) native.setSysctl(null, key, found);
  other = new OtherHost(lab.directory.path);
  secondNetns = `${lab.directory.path}/second`;
  native.createNetns(secondNetns).socket.close();
  execFileSync('ip', ['link', 'add', 'up1', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', secondNetns]);
  joinSecond();
  ipBatch(
    other.netns,
    families.map((family) => `route add ${everything[family]} via ${hostAddress[family]}`),
  );
  peers = {
    host: lab.peers.in(null, 'host'),
    lan: lab.peers.in(other.netns, 'lan'),
    lan2: lab.peers.in(secondNetns, 'lan2'),
  };
  await peers.host?.serve('tcp', 60);
  for (const name of ['lan', 'lan2']) await peers[name]?.serve('tcp', 70);
  await setUpContainers();
}

function joinSecond(): void {
  ipBatch(null, ['link set up1 up', ...families.map((family) => addressLine(secondUplink[family], 'up1'))]);
  ipBatch(secondNetns, [
    'link set eth0 up',
    ...families.map((family) => addressLine(secondAddress[family], 'eth0')),
    ...families.map((family) => `route add ${everything[family]} via ${secondUplink[family]}`),
  ]);
}

const addressLine = (address: string, link: string) =>
  `address add ${address}${address.includes(':') ? '/64' : '/24'} dev ${link}${address.includes(':') ? ' nodad' : ''}`;

async function setUpContainers(): Promise<void> {
  const ports: Partial<Record<Net, NonNullable<ContainerRequest['ports']>[number]>> = {
    plain: { hostPort: 8080, containerPort: 80 },
    strict: { hostPort: 8082, containerPort: 80 },
    local: { hostPort: 8083, containerPort: 80, hostIp: '127.0.0.1' },
  };
  for (const name of Object.keys(networks) as Net[]) {
    await lab.client.network.create({
      name,
      internal: name === 'inside',
      subnets: families.map((family) => ({ subnet: subnet[family](name) })),
      ...(name === 'strict' && { options: { isolate: 'strict' } }),
    });
    const { netns } = await lab.client.container.setup({
      id: name,
      networks: [{ network: name }],
      ports: ports[name] ? [ports[name]] : [],
    });
    const peer = lab.peers.in(netns.path, name);
    for (const port of [80, 81]) expect(await peer.serve('tcp', port)).toBe('ready');
    peers[name] = peer;
  }
}

async function closeWorld(): Promise<void> {
  await lab.peers.end();
  other.remove();
  execFileSync('ip', ['link', 'delete', 'up1']);
  native.removeNetns(secondNetns);
  await lab.close();
}

async function outcome(question: Question, family: Family, expected: Outcome): Promise<Outcome> {
  const peer = peers[question.from] as Peer;
  const waitMs = expected === 'refused' ? silenceMs : undefined;
  const answer = await peer.reach('tcp', question.address(family), question.port, waitMs);
  if (answer.includes(' sees ')) return 'reached';
  expect(['silence', 'ECONNREFUSED']).toContain(answer);
  return 'refused';
}

/** All connections are tried at once: each refusal takes its full timeout. */
async function expectTable(world: World): Promise<void> {
  const cells = questions.flatMap((question) =>
    (question.families ?? families).map((family) => ({ question, family, expected: outcomeIn(world, question) })),
  );
  const found = await Promise.all(cells.map(({ question, family, expected }) => outcome(question, family, expected)));
  const lines = (outcomes: string[]) =>
    cells.map(({ question, family }, i) => `${title(question, family)} ${outcomes[i]}`);
  for (const [index, { question, family }] of cells.entries()) {
    const row = title(question, family);
    seen.set(row, { ...seen.get(row), [world]: found[index] as string });
  }
  expect(lines(found)).toEqual(lines(cells.map(({ expected }) => expected)));
}

function tableText(): string {
  const width = Math.max(...worldNames.map((world) => world.length)) + 2;
  const head = `${'from'.padEnd(6)}${'what'.padEnd(46)} ${worldNames.map((world) => world.padEnd(width)).join('')}`;
  const rows = [...seen].map(
    ([row, outcomes]) => `${row} ${worldNames.map((world) => (outcomes[world] ?? '–').padEnd(width)).join('')}`,
  );
  return [head, ...rows].map((line) => `  ${line.trimEnd()}`).join('\n');
}

afterAll(() => console.log(`reachability through the host:\n${tableText()}`));

describe.each(worldNames)('B05 a host with two uplinks, %s', (world) => {
  beforeEach(() => openWorld(worlds[world]));
  afterEach(closeWorld);

  it(`B05 the host is no open router, opens one network on request, and leaves all else unchanged (${world})`, async () => {
    await expectTable(world);
    const { forwarding } = await lab.client.info();
    expect(forwarding).toEqual(families.map((family) => ({ family, ...worlds[world].shown })));
    await lab.client.network.update({ name: 'strict', options: { inbound: 'open' } });
    for (const family of families) {
      expect(await peers.lan?.reach('tcp', addressOf('strict', family), 81)).toContain('strict:81');
      // only the requested one
      expect(await peers.lan?.reach('tcp', addressOf('plain', family), 81, silenceMs)).toBe('silence');
    }
    await lab.client.network.update({ name: 'strict', options: { inbound: 'guarded' } });
    await lab.restart('kill');
    await expectTable(world);

    await lab.empty();
    const { found } = worlds[world];
    // IPv4 stays on, as with podman
    await untilAnswered(async () =>
      expect(forwardingKeys.map((key) => native.getSysctl(null, key))).toEqual(['1', found]),
    );
    const [still4, still6] = await Promise.all(
      families.map((family) => peers.lan?.reach('tcp', secondAddress[family], 70, silenceMs)),
    );
    const passes = (yes: boolean) => (yes ? expect.stringContaining('lan2:70') : expect.not.stringContaining('lan2'));
    expect([still4, still6]).toEqual([passes(world !== 'netloom switched it on'), passes(found === '1')]);
  });
});
