import type { ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import * as native from '#native';
import type { NetloomClient } from '../../src/client.ts';
import { hostLinks, pinForeign, populate } from '../fixtures/population.ts';
import { TestDaemon, untilAnswered } from '../support/daemon.ts';
import { everythingBuilt } from '../support/everything-built.ts';
import { Facts } from '../support/facts.ts';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';
import { journalFixture, journalVersions } from '../support/journal-fixture.ts';
import { Monitor } from '../support/monitor.ts';
import { ipBatch } from '../support/other-host.ts';
import { Peers } from '../support/peer.ts';
import { earlierBuild } from './earlier-build.ts';

/**
 * Before version 11 the ruleset and some settings of links were others, which an upgrade adds to or replaces while packets pass. A
 * replaced table ends `nft monitor`.
 */
const sameKernelSince = 11;

/** What a test has begun, which ends in the opposite order. */
let undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.reverse()) await step();
  undo = [];
});

/** A host of the test's own, and its directory for the daemons. */
async function freshHost(): Promise<{ directory: string; pins: string[] }> {
  await becomeFreshHost();
  const { path: directory, remove } = temporaryDirectory();
  undo.push(remove);
  ipBatch(null, hostLinks);
  const pins = pinForeign(directory);
  undo.push(() => pins.map(native.removeNetns));
  return { directory, pins };
}

/** Removes what a failed test has left. */
function unpinAll(netnsDirectory: string): void {
  for (const name of readdirSync(netnsDirectory)) native.removeNetns(`${netnsDirectory}/${name}`);
}

async function started(daemon: TestDaemon): Promise<{ client: NetloomClient; facts: Facts }> {
  undo.push(() => daemon.destroy());
  const client = await daemon.start();
  return { client, facts: new Facts(client) };
}

async function ended({ client, facts }: { client: NetloomClient; facts: Facts }, daemon: TestDaemon): Promise<void> {
  await facts.close();
  await client.close();
  await daemon.stop();
}

/** A version may describe the same fault in other words. */
const withoutFault = <View extends { lastFault: unknown }>({ lastFault: _, ...rest }: View) => rest;

describe.each(journalVersions())('a daemon whose journal has version %i', (version) => {
  it('P06 an upgrade under traffic loses no packet, rewrites nothing, and adopts everything', async () => {
    const isSameKernel = version >= sameKernelSince;
    const program = earlierBuild(journalFixture(version).commit);
    const { directory } = await freshHost();
    undo.push(() => unpinAll(`${directory}/run/netns`));
    const before = new TestDaemon(directory, 'upgraded', [], 2, [], program);
    const now = new TestDaemon(directory, 'upgraded');
    const earlier = await started(before);
    const children: ChildProcess[] = await populate(earlier.client, earlier.facts, before);
    undo.push(() => children.map((child) => child.kill('SIGKILL')));
    const { containers } = await earlier.client.container.list();
    const { networks } = await earlier.client.network.list();
    expect(containers.length).toBeGreaterThanOrEqual(20);

    const pins = [...new Set(containers.flatMap(({ netns, mode }) => (netns && mode !== 'host' ? netns.path : [])))];
    const peers = new Peers();
    undo.push(() => peers.end());
    const pinOf = (id: string) => containers.find((container) => container.id === id)?.netns?.path ?? null;
    const serving = peers.in(pinOf('serving'), 'serving');
    const plain = peers.in(pinOf('plain'), 'plain');
    const host = peers.in(null, 'host');
    for (const port of [80, 9001]) expect(await serving.serve('udp', port)).toBe('ready');
    expect(await serving.serve('tcp', 80)).toBe('ready');
    const [servingAddress = ''] = networks.find(({ name }) => name === 'web')?.leases.serving ?? [];
    const streams = [
      [plain, 'to its neighbour', servingAddress, 80, false],
      [plain, 'to a published port', '192.0.2.1', 8080, false],
      [plain, 'to a published range, one flow each', '192.0.2.1', 7001, true],
      [host, 'from the host', '192.0.2.1', 8080, false],
    ] as const;
    for (const [peer, name, address, port, fresh] of streams) await peer.stream(name, address, port, 200, fresh);
    expect(await host.converse('before', '127.0.0.1', 8080)).toBe('serving:80 sees 10.88.0.1');

    const built = everythingBuilt(pins);
    await ended(earlier, before);
    const monitors = isSameKernel ? [await Monitor.ofFirewall()] : [];
    for (const netns of [null, ...pins]) monitors.push(await Monitor.ofRoutes(netns));
    const later = await started(now);
    const up = containers.filter(({ netns }) => netns !== null);
    for (const { id } of up) if (id !== 'wounded') await later.facts.event(`container/${id} adopted`);
    const changes = (await Promise.all(monitors.map((monitor) => monitor.changes()))).flat();

    const lost = [];
    for (const [peer, name] of streams) lost.push({ name, ...(await peer.endStream(name)) });
    expect(lost.filter((stream) => stream.lost > 0 || stream.sent < 100)).toEqual([]);
    expect(await host.exchange('before', 'still there?')).toBe('still there?');
    expect(changes.filter((change) => isSameKernel || change.startsWith('Deleted'))).toEqual([]);
    if (isSameKernel) expect(everythingBuilt(pins)).toEqual(built);
    expect((await later.client.container.list()).containers).toMatchObject(containers.map(withoutFault));
    expect((await later.client.network.list()).networks).toMatchObject(networks.map(withoutFault));

    await later.client.close();
    await later.facts.close();
  }, 600_000);

  it('P06 B06 after an upgrade of a daemon that was killed, every container can be set up and removed', {
    timeout: 600_000,
  }, async () => {
    const { directory } = await freshHost();
    undo.push(() => unpinAll(`${directory}/run/netns`));
    const before = new TestDaemon(directory, 'upgraded', [], 2, [], earlierBuild(journalFixture(version).commit));
    const earlier = await started(before);
    const names = ['n0', 'n1', 'n2', 'other'];
    const wishes = Array.from({ length: 24 }, (_, index) => ({
      id: `c${index}`,
      networks: [{ network: `n${index % 3}` }],
      ports: [{ hostPort: 8000 + index, containerPort: 80 }],
    }));
    for (const name of names) await earlier.client.network.create({ name });
    const ready = wishes.slice(0, 8).map((wish) => earlier.client.container.setup(wish));
    await Promise.all(ready);
    // one half is being taken down, and the other set up
    const underWay = [
      ...wishes.slice(0, 4).map(({ id }) => earlier.client.container.teardown({ id })),
      ...wishes.slice(4, 8).map(({ id }) => earlier.client.container.connect({ id, network: 'other' })),
      ...wishes.slice(8).map((wish) => earlier.client.container.setup(wish)),
    ];
    const outcomes = Promise.allSettled(underWay);
    await Promise.race(underWay);
    await before.kill();
    await earlier.facts.close();
    await earlier.client.close();
    await outcomes;

    const now = new TestDaemon(directory, 'upgraded');
    const { client, facts } = await started(now);
    const { containers } = await client.container.list();
    const states = new Set(containers.map(({ state }) => state));
    expect([...states].filter((state) => !['created', 'failed', 'configured'].includes(state))).toEqual([]);
    for (const wish of wishes) {
      const { state } = containers.find(({ id }) => id === wish.id) ?? { state: 'absent' };
      if (state !== 'configured') await client.container.setup(wish);
    }
    for (const { id } of wishes) await client.container.remove({ id });
    await untilAnswered(async () => {
      const { networks } = await client.network.list();
      expect(networks.flatMap(({ leases }) => Object.keys(leases))).toEqual([]);
    });
    for (const name of names) await client.network.remove({ name });
    const { leftovers, doubtful } = await client.gc({ dryRun: true });
    expect([...leftovers, ...doubtful]).toEqual([]);
    await facts.close();
    await client.close();
  });
});
