import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StreamedEvent } from '../../src/client.ts';
import { hostVethName } from '../../src/core/object-names.ts';
import { untilAnswered } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';
import { hostAddress, ipBatch, OtherHost } from '../support/other-host.ts';
import type { Peer } from '../support/peer.ts';

// Another program removes a part of what netloom made; netloom restores it, and reports the drift with its owner.
//
//   web  10.88.0.2, fd00:88::2, port 8080 ─ netloom0 ─ host ─ another host
const families = [4, 6] as const;
const web = { 4: '10.88.0.2', 6: 'fd00:88::2' } as const;
const gateway = { 4: '10.88.0.1', 6: 'fd00:88::1' } as const;
const veth = hostVethName('web', 'net');
const mostMs = 1_000;

let lab: Lab;
let other: OtherHost;
let inside: Peer;
let outside: Peer;
let netns: string;
let bridge: string;

const sh = (command: string) => execFileSync('sh', ['-c', command], { stdio: ['ignore', 'ignore', 'pipe'] });
const within = (command: string) => sh(`nsenter --net=${netns} ${command}`);

const isDrift = ({ type }: StreamedEvent) => /\.(drift-detected|drift-healed|degraded|lost|failed)$/.test(type);
const brief = ({ type, subject }: StreamedEvent) => `${type.split('.')[2]}/${subject} ${type.split('.')[3]}`;

beforeAll(async () => {
  lab = await Lab.open();
  other = new OtherHost(lab.directory.path);
  const { definition } = await lab.client.network.create({
    name: 'net',
    subnets: [{ subnet: '10.88.0.0/24' }, { subnet: 'fd00:88::/64' }],
  });
  bridge = definition.network_interface as string;
  const status = await lab.client.container.setup({
    id: 'web',
    networks: [{ network: 'net' }],
    ports: [{ hostPort: 8080, containerPort: 80 }],
  });
  netns = status.netns.path;
  inside = lab.peers.in(netns, 'web');
  outside = lab.peers.in(other.netns, 'other');
  await inside.serve('tcp', 80);
  await outside.serve('tcp', 90);
});
afterAll(async () => {
  await lab.peers.end();
  other?.remove();
  await lab.close();
});

/** From another host to the published port, from the host to the container, and from the container to another host. */
async function works(): Promise<boolean> {
  for (const family of families) {
    const answers = await Promise.all([
      outside.reach('tcp', hostAddress[family], 8080, 150),
      inside.reach('tcp', otherOf(family), 90, 150),
    ]);
    if (!answers[0]?.startsWith('web:80') || !answers[1]?.startsWith('other:90')) return false;
  }
  return true;
}
const otherOf = (family: 4 | 6) => ({ 4: '192.0.2.2', 6: 'fd00:2::2' })[family];

async function healed(what: string, damage: () => unknown): Promise<string[]> {
  expect(await works()).toBe(true);
  const before = lab.facts.events.length;
  const startedMs = performance.now();
  damage();
  await told(before, (facts) => facts.some((fact) => fact.endsWith('drift-healed')));
  const tookMs = performance.now() - startedMs;
  while (!(await works())) expect(performance.now() - startedMs, `${what}: traffic`).toBeLessThan(5 * mostMs);
  const trafficMs = performance.now() - startedMs;
  const facts = await settled(before);
  console.log(
    `${what}: healed after ${tookMs.toFixed(0)} ms, traffic after at most ${trafficMs.toFixed(0)} ms; ${facts.join(', ')}`,
  );
  expect(trafficMs).toBeLessThan(mostMs);
  return facts;
}

const driftSince = (before: number) => lab.facts.events.slice(before).filter(isDrift).map(brief);

async function told(before: number, isEnough: (facts: string[]) => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!isEnough(driftSince(before))) {
    if (Date.now() > deadline) throw new Error(`never healed: ${driftSince(before).join(', ') || 'nothing was told'}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Collects events until there were none for a moment. */
async function settled(before: number): Promise<string[]> {
  await new Promise((resolve) => setTimeout(resolve, 150));
  return driftSince(before).sort();
}

// by owner; the order among several owners is undefined
const ofNode = ['node/testnode drift-detected', 'node/testnode drift-healed'];
const ofNetwork = ['network/net drift-detected', 'network/net drift-healed'];
const ofContainer = ['container/web drift-detected', 'container/web drift-healed'];

describe('the firewall', () => {
  it.each([
    ['flush ruleset', 'flush ruleset', [...ofContainer, ...ofNetwork, ...ofNode]],
    ['the table is deleted', 'delete table inet netloom', [...ofContainer, ...ofNetwork, ...ofNode]],
    ['the rules of a chain are flushed', 'flush chain inet netloom postrouting', ofNode],
    ['a chain is deleted', 'flush chain inet netloom output; delete chain inet netloom output', ofNode],
    ['a set is deleted', 'flush table inet netloom; delete set inet netloom subnets4', [...ofNetwork, ...ofNode]],
    ['a set is flushed', 'flush set inet netloom subnets4', ofNetwork],
    ["a container's element", 'delete element inet netloom published_any4 { tcp . 8080 }', ofContainer],
    ["a network's element", 'delete element inet netloom subnets6 { fd00:88::/64 }', ofNetwork],
  ])('netloom restores %s', async (what, command, facts) => {
    // another actor may see it in two parts at that moment, and report both
    expect([...new Set(await healed(what, () => sh(`nft '${command}'`)))]).toEqual(facts);
  });
});

describe('netloom restores', () => {
  it("netloom restores the host's end of a veth", async () => {
    expect(await healed('veth', () => sh(`ip link delete ${veth}`))).toEqual(ofContainer);
  });
  it("netloom restores the container's end of a veth", async () => {
    expect(await healed('eth0', () => within('ip link delete eth0'))).toEqual(ofContainer);
  });
  it('netloom restores the bridge of a detached veth', async () => {
    expect(await healed('nomaster', () => sh(`ip link set ${veth} nomaster`))).toEqual(ofContainer);
  });
  it("netloom restores the host's end of a veth that was set down", async () => {
    expect(await healed('veth down', () => sh(`ip link set ${veth} down`))).toEqual(ofContainer);
  });
  it("netloom restores the container's end of a veth that was set down", async () => {
    expect(await healed('eth0 down', () => within('ip link set eth0 down'))).toEqual(ofContainer);
  });
  it('netloom restores a deleted bridge', async () => {
    expect(await healed('bridge', () => sh(`ip link delete ${bridge}`))).toEqual([...ofContainer, ...ofNetwork]);
  });
  it('netloom restores a bridge that was set down', async () => {
    expect(await healed('bridge down', () => sh(`ip link set ${bridge} down`))).toEqual(ofNetwork);
  });
});

describe.each(families)('addresses and routes: netloom restores, for IPv%i,', (family) => {
  const length = family === 4 ? 24 : 64;
  it("netloom restores the bridge's address", async () => {
    expect(await healed('gateway', () => sh(`ip address delete ${gateway[family]}/${length} dev ${bridge}`))).toEqual(
      ofNetwork,
    );
  });
  it("netloom restores the container's address", async () => {
    expect(await healed('address', () => within(`ip address delete ${web[family]}/${length} dev eth0`))).toEqual(
      ofContainer,
    );
  });
  it("netloom restores the container's default route", async () => {
    expect(await healed('default route', () => within(`ip -${family} route delete default`))).toEqual(ofContainer);
  });
});

describe('what cannot be healed', () => {
  const first = async (before: number, fact: string) => {
    await told(before, (facts) => facts.includes(fact));
    return lab.facts.events.slice(before).filter((event) => isDrift(event) && brief(event) === fact)[0];
  };

  it('a macvlan whose parent is gone is reported, and heals when the parent comes back', async () => {
    sh('ip link add up1 type veth peer name up1x; ip link set up1 up; ip link set up1x up');
    await lab.client.network.create({
      name: 'lan',
      driver: 'macvlan',
      network_interface: 'up1',
      subnets: [{ subnet: '10.66.0.0/24' }],
    });
    const { netns: flat } = await lab.client.container.setup({ id: 'flat', networks: [{ network: 'lan' }] });
    const before = lab.facts.events.length;
    sh('ip link delete up1');
    expect((await first(before, 'container/flat degraded'))?.data).toMatchObject({ fault: { errno: 'ENODEV' } });
    await first(before, 'network/lan degraded');
    expect((await lab.client.container.inspect({ id: 'flat' })).container).toMatchObject({ state: 'degraded' });
    sh('ip link add up1 type veth peer name up1x; ip link set up1 up; ip link set up1x up');
    await first(before, 'container/flat drift-healed');
    await first(before, 'network/lan drift-healed');
    sh(`nsenter --net=${flat.path} ip address show dev eth0 | grep -q 10.66.0.2`);
    // inside a namespace that only a macvlan leads into
    const later = lab.facts.events.length;
    sh(`nsenter --net=${flat.path} ip address delete 10.66.0.2/24 dev eth0`);
    await first(later, 'container/flat drift-healed');
    await lab.remove('flat');
    await lab.client.network.remove({ name: 'lan' });
    sh('ip link delete up1');
  });

  it('a bridge whose name another link has is reported, and heals when that link goes', async () => {
    const before = lab.facts.events.length;
    sh('ip link add stand type veth peer name taken');
    ipBatch(null, [`link set ${bridge} down`, `link set ${bridge} name away`, `link set stand name ${bridge}`]);
    expect((await first(before, 'network/net degraded'))?.data).toMatchObject({ fault: { code: 'link.exists' } });
    sh('ip link delete away; ip link delete taken');
    await first(before, 'network/net drift-healed');
    await first(before, 'container/web drift-healed');
    const deadline = Date.now() + mostMs;
    while (!(await works())) expect(Date.now()).toBeLessThan(deadline);
  });
});

describe('the uplink', () => {
  it('the uplink announces a change of its address, and node info shows it', async () => {
    const before = lab.facts.events.length;
    const leadsOutBy = async (hostIp: string) => {
      await untilAnswered(async () => expect((await lab.client.info()).hostIp).toBe(hostIp), 2_000);
      const isTold = (event: StreamedEvent) =>
        'hostIp' in event.data && event.data.what === 'uplink' && event.data.hostIp === hostIp;
      await untilAnswered(async () => expect(lab.facts.events.slice(before).filter(isTold)).toHaveLength(2), 2_000);
    };
    sh('ip route add default via 192.0.2.2');
    await leadsOutBy('192.0.2.1');
    ipBatch(null, ['address delete 192.0.2.1/24 dev up0', 'address add 192.0.2.7/24 dev up0']);
    sh('ip route add default via 192.0.2.2');
    await leadsOutBy('192.0.2.7');
    expect(new Set(driftSince(before))).toEqual(new Set(ofNode));
  });
});

describe("netloom's own changes", () => {
  it("netloom's own changes are not reported as drift: a hundred set-ups, live changes and teardowns, and the removal of their network", async () => {
    const before = lab.facts.events.length;
    await lab.client.network.create({
      name: 'storm',
      subnets: [{ subnet: '10.77.0.0/16' }, { subnet: 'fd00:77::/64' }],
    });
    const ids = Array.from({ length: 100 }, (_, index) => `storm${index}`);
    const ports = (index: number) => [{ hostPort: 20_000 + index, containerPort: 80 }];
    await Promise.all(
      ids.map(async (id, index) => {
        await lab.client.container.setup({ id, networks: [{ network: 'storm' }], ports: ports(index) });
        // deleting a link by hand waits for the kernel: a few of them are enough
        if (index < 10) {
          await lab.client.request('container.connect', { id, network: 'net' });
          await lab.client.request('container.unpublish', { id, ports: ports(index) });
          await lab.client.request('container.disconnect', { id, network: 'storm' });
        }
        await lab.client.container.remove({ id });
      }),
    );
    await lab.settled();
    await lab.client.network.remove({ name: 'storm' });
    expect(await settled(before)).toEqual([]);
  });
});
