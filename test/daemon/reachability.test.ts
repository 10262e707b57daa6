import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RequestOf } from '../../src/client.ts';
import { familyOf } from '../../src/core/address.ts';
import { type ReachabilityCell, reachability } from '../../src/core/reachability.ts';
import type { ContainerView } from '../../src/core/view.ts';
import { Lab } from '../support/lab.ts';
import { hostAddress, OtherHost } from '../support/other-host.ts';
import type { Peer } from '../support/peer.ts';

// Compares the output of `netloom reachability` for a daemon's host with real connections, for cases that
// test/kernel/firewall-matrix.test.ts does not have: containers on several networks or in one namespace, of one
// family only, and ports on one address.
//
//   web, guest (in web's namespace)   front
//   two                               front, back
//   db                                back (IPv4 only)
//   gate                              inner, front
//   vault                             inner (internal)
const containerPort = 80;
const containers: RequestOf<'container.setup'>[] = [
  {
    id: 'web',
    networks: [{ network: 'front' }],
    ports: [
      { hostPort: 8080, containerPort },
      { hostPort: 8081, containerPort, hostIp: '127.0.0.1' },
      { hostPort: 8083, containerPort, hostIp: hostAddress[4] },
      { hostPort: 8084, containerPort, hostIp: hostAddress[6] },
      { hostPort: 8082, containerPort, hostIp: '::1' },
      { hostPort: 7000, containerPort, range: 3 },
    ],
  },
  { id: 'guest', mode: 'container:web' },
  { id: 'two', networks: [{ network: 'front' }, { network: 'back' }] },
  { id: 'db', networks: [{ network: 'back' }], ports: [{ hostPort: 8090, containerPort }] },
  {
    id: 'gate',
    networks: [{ network: 'inner' }, { network: 'front' }],
    ports: [{ hostPort: 8091, containerPort }],
  },
  { id: 'vault', networks: [{ network: 'inner' }], ports: [{ hostPort: 8092, containerPort }] },
];
const silenceMs = 400;
const patienceMs = 5_000;

let lab: Lab;
let otherHost: OtherHost;
const callers = {} as Record<string, Peer>;

beforeAll(async () => {
  lab = await Lab.open();
  otherHost = new OtherHost(lab.directory.path);
  callers.outside = lab.peers.in(otherHost.netns, 'outside');
  callers.host = lab.peers.in(null, 'host');
  await lab.client.network.create({ name: 'front', ipv6_enabled: true });
  await lab.client.network.create({ name: 'back' });
  await lab.client.network.create({ name: 'inner', ipv6_enabled: true, internal: true });
  for (const wish of containers) {
    const { netns } = await lab.client.container.setup(wish);
    const peer = lab.peers.in(netns.path, wish.id);
    callers[`container/${wish.id}`] = peer;
    // containers that share a namespace share its ports: the first one serves
    if (wish.id !== 'guest') expect(await peer.serve('tcp', containerPort)).toBe('ready');
  }
});

afterAll(async () => {
  await lab.peers.end();
  await lab.client.container.remove({ id: 'guest' });
  otherHost.remove();
  await lab.close();
});

/** What a cell is about: every address of the container, or the address of its published port. */
function endpoints({ by, family, port }: ReachabilityCell, { status }: ContainerView): [string, number][] {
  if (by === 'port') {
    const special = port?.hostIp && familyOf(port.hostIp) === family ? port.hostIp : hostAddress[family];
    return [[special, port?.hostPort ?? containerPort]];
  }
  return Object.values(status)
    .flatMap(({ interfaces }) => Object.values(interfaces))
    .flatMap(({ subnets }) => subnets.map(({ ipnet }) => ipnet.split('/')[0] as string))
    .filter((address) => familyOf(address) === family)
    .map((address) => [address, containerPort]);
}

async function isReached(cell: ReachabilityCell, container: ContainerView, withinMs: number): Promise<boolean> {
  const caller = callers[cell.from] as Peer;
  const answers = await Promise.all(
    endpoints(cell, container).map(([address, port]) => caller.reach('tcp', address, port, withinMs)),
  );
  const name = cell.to === 'guest' ? 'web' : cell.to;
  return answers.some((answer) => answer.startsWith(`${name}:${containerPort} sees `));
}

it('the lists of the daemon predict which connections work', async () => {
  const [{ networks }, { containers }] = [await lab.client.network.list(), await lab.client.container.list()];
  const views = new Map(containers.map((container) => [container.id, container]));
  // containers that share a namespace have its addresses
  views.set('guest', { ...(views.get('guest') as ContainerView), status: views.get('web')?.status ?? {} });
  const cells = reachability(networks, containers);
  const wrong = await Promise.all(
    cells.map(async (cell) => {
      const container = views.get(cell.to) as ContainerView;
      const first = await isReached(cell, container, silenceMs);
      // an expected connection that failed is tried again, with a longer limit
      const reached = first || (cell.reachable && (await isReached(cell, container, patienceMs)));
      return reached === cell.reachable ? null : { ...cell, reached };
    }),
  );
  console.log(
    `reachability: ${cells.length} cells checked, ${cells.filter(({ reachable }) => reachable).length} reachable, ${wrong.filter(Boolean).length} mismatches`,
  );
  expect(wrong.filter(Boolean)).toEqual([]);
  expect(new Set(cells.map(({ from }) => from)).size).toBe(8);
});
