import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { formerBridgeMac } from '../../src/core/object-names.ts';
import { untilAnswered } from '../support/daemon.ts';
import { ip, ipWithin } from '../support/fresh-host.ts';
import { Lab, refusal } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

// A network is removed while something else has the name of its bridge, or uses its bridge.

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.clear());
afterAll(() => lab.close());

interface Link {
  ifname: string;
  ifindex: number;
  address: string;
  ifalias?: string;
}
const linkOf = (name: string): Link | null => ip<Link[]>('link').find(({ ifname }) => ifname === name) ?? null;

const another = ['link add nlweb type bridge', 'link set nlweb up'];
const create = () =>
  lab.client.network.create({ name: 'web', network_interface: 'nlweb', subnets: [{ subnet: '10.44.0.0/24' }] });
const setUp = (id: string, network = 'web') => lab.client.container.setup({ id, networks: [{ network }] });

/**
 * Makes a bridge of that name as another program does, removes the network with all that is its own, and returns whether that bridge is
 * still there.
 */
async function outlives(makeBridge: () => unknown): Promise<boolean> {
  await makeBridge();
  const before = linkOf('nlweb');
  await lab.empty();
  expect((await lab.client.gc({})).leftovers).toEqual([]);
  const after = linkOf('nlweb');
  if (after) ipBatch(null, ['link delete nlweb']);
  return before !== null && before.ifindex === after?.ifindex;
}

describe("a bridge that another program made under the name of a network's bridge", () => {
  it('stays when the network is removed that has not made its bridge', async () => {
    await create();
    expect(await outlives(() => ipBatch(null, another))).toBe(true);
  });

  it('stays when a container has used it', async () => {
    await create();
    ipBatch(null, another);
    await setUp('c1');
    expect(linkOf('nlweb')?.ifalias).toBe('netloom network/web');
    expect(await outlives(() => {})).toBe(true);
  });

  it('stays when a container has used it on a network of an engine', async () => {
    ipBatch(null, another);
    const { directories } = await lab.client.info();
    const definition = {
      name: 'engines',
      id: '7'.repeat(64),
      driver: 'bridge',
      network_interface: 'nlweb',
      created: '2026-01-01T00:00:00Z',
      subnets: [{ subnet: '10.44.0.0/24', gateway: '10.44.0.1' }],
      ipv6_enabled: false,
      internal: false,
      dns_enabled: false,
      ipam_options: { driver: 'host-local' },
    };
    writeFileSync(`${directories.networks}/engines.json`, JSON.stringify(definition));
    await untilAnswered(() => lab.client.network.inspect({ name: 'engines' }));
    await setUp('c1', 'engines');
    expect(await outlives(() => {})).toBe(true);
  });

  it('stays when it has taken the place of the bridge that netloom made', async () => {
    await create();
    await setUp('c1');
    await lab.remove('c1');
    expect(await outlives(() => lab.restart('stop', () => ipBatch(null, ['link delete nlweb', ...another])))).toBe(
      true,
    );
  });

  it('stays when the network was healed with it', async () => {
    await create();
    await setUp('c1');
    await lab.restart('stop', () => ipBatch(null, ['link delete nlweb', ...another]));
    await untilAnswered(async () => expect(linkOf('nlweb')?.ifalias).toBe('netloom network/web'));
    expect(await outlives(() => {})).toBe(true);
  });
});

describe('a bridge that an earlier version of netloom made', () => {
  it('is adopted as it is, and goes with its network', async () => {
    await lab.client.network.create({ name: 'web', network_interface: 'nlweb', subnets: [{ subnet: 'fd00:44::/64' }] });
    await setUp('c1');
    const addresses = () => ip<unknown[]>('-6', 'address', 'show', 'dev', 'nlweb');
    await untilAnswered(async () => expect(JSON.stringify(addresses())).not.toContain('tentative'));
    const before = addresses();
    await lab.restart('stop', () => ipBatch(null, [`link set nlweb address ${formerBridgeMac('web')}`]));
    await lab.facts.event('network/web adopted');
    expect(lab.facts.of('network', 'web')).not.toContain('drift-detected');
    expect(addresses()).toEqual(before);
    expect(linkOf('nlweb')?.address).toBe(formerBridgeMac('web'));
    await lab.empty();
    expect(linkOf('nlweb')).toBeNull();
  });
});

describe('a link that others made for networks to share', () => {
  const shared = (name: string, options: Record<string, string>) =>
    options.mode === 'unmanaged' ? { name, network_interface: 'shared0', options } : { name, ...upon, options };
  const upon = { driver: 'macvlan', network_interface: 'shared0' };

  it.each([
    ['a parent of macvlans', {}],
    ['an unmanaged bridge', { mode: 'unmanaged' }],
  ])('%s stays when one network is removed, with the links of the other, and when both are', async (_, options) => {
    ipBatch(null, ['link add shared0 type bridge', 'link set shared0 up']);
    const before = linkOf('shared0');
    for (const [name, subnet] of Object.entries({ one: '10.45.0.0/24', other: '10.46.0.0/24' }))
      await lab.client.network.create({ ...shared(name, options), subnets: [{ subnet }] });
    await setUp('c1', 'one');
    const { netns } = await setUp('c2', 'other');
    await lab.remove('c1');
    await lab.client.network.remove({ name: 'one' });
    expect(ipWithin<Link[]>(netns.path, 'link').map(({ ifname }) => ifname)).toEqual(['lo', 'eth0']);
    await lab.empty();
    await lab.client.gc({});
    expect(linkOf('shared0')).toMatchObject({ ifindex: before?.ifindex });
    expect(linkOf('shared0')?.ifalias).toBeUndefined();
    ipBatch(null, ['link delete shared0']);
  });
});

describe('a VLAN of a bridge', () => {
  const canFilter = spawnSync('unshare', '-n ip link add br0 type bridge vlan_filtering 1'.split(' ')).status === 0;

  it.runIf(!canFilter)('is refused with the reason where the kernel cannot filter', async () => {
    await lab.client.network.create({ name: 'blue', options: { vlan: '7' } });
    expect(await refusal(setUp('c1', 'blue'))).toMatchObject({
      code: 'mode.unsupported',
      message: 'this kernel has no bridges with VLAN filtering (option vlan)',
    });
  });
});
