import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RequestOf } from '../../src/client.ts';
import { untilAnswered } from '../support/daemon.ts';
import { codeOf, Lab, refusal } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

/** A host with addresses of its own on br0 and on up0, upon which networks are made. */

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(() => lab.close());

beforeEach(() =>
  ipBatch(null, [
    'link add br0 type bridge',
    'link set br0 up',
    'address add 192.168.33.3/24 dev br0',
    'address add fd00:33::3/64 dev br0 nodad',
    'link add up0 type veth peer name up0x',
    'link set up0x up',
    'link set up0 up',
    'address add 192.168.34.3/24 dev up0',
    'address add fd00:34::3/64 dev up0 nodad',
  ]),
);
afterEach(async () => {
  await lab.empty();
  ipBatch(null, ['link delete br0', 'link delete up0']);
  await lab.clear();
});

type Kind = 'unmanaged bridge' | 'macvlan';

/** The gateway is at the end of the subnets, so that the first addresses are free. */
function request(kind: Kind): RequestOf<'network.create'> {
  const third = kind === 'macvlan' ? 34 : 33;
  const subnets = [
    { subnet: `192.168.${third}.0/24`, gateway: `192.168.${third}.254` },
    { subnet: `fd00:${third}::/64`, gateway: `fd00:${third}::fe` },
  ];
  return kind === 'macvlan'
    ? { name: 'lan', driver: 'macvlan', network_interface: 'up0', subnets }
    : { name: 'lan', network_interface: 'br0', subnets, options: { mode: 'unmanaged' } };
}

async function addressesOf(id: string): Promise<string[]> {
  const { network } = await lab.client.network.inspect({ name: 'lan' });
  return [...(network.leases[id] ?? [])];
}

async function join(id: string, ...staticIps: string[]): Promise<string[]> {
  await lab.client.container.setup({ id, networks: [{ network: 'lan', staticIps }] });
  return addressesOf(id);
}

describe.each<[Kind, string, number]>([
  ['unmanaged bridge', 'br0', 33],
  ['macvlan', 'up0', 34],
])('a network upon a link of the host: %s', (kind, link, third) => {
  const address = (host: number | string) => [`192.168.${third}.${host}`, `fd00:${third}::${host}`];
  beforeEach(() => lab.client.network.create(request(kind)));

  it("N12 leased addresses skip the host's own", async () => {
    const leased = [];
    for (const id of ['a', 'b', 'c', 'd']) leased.push(await join(id));
    expect(leased).toEqual([1, 2, 4, 5].map(address));
  });

  it('N12 an address of the host is refused as a static address, alone and as one of two', async () => {
    for (const own of address(3))
      expect(
        await refusal(lab.client.container.setup({ id: 'a', networks: [{ network: 'lan', staticIps: [own] }] })),
      ).toMatchObject({ code: 'address.taken', message: `address ${own} is this host's own` });
    expect(await join('a', `192.168.${third}.9`)).toEqual([`192.168.${third}.9`, `fd00:${third}::1`]);
    expect(
      await codeOf(lab.client.container.plan({ id: 'b', networks: [{ network: 'lan', staticIps: address(3) }] })),
    ).toBe('address.taken');
  });

  it('N12 the next container respects addresses of the host that were added and removed since', async () => {
    expect(await join('a')).toEqual(address(1));
    ipBatch(null, [
      // with the same length it would go with the first
      `address add 192.168.${third}.2/32 dev ${link}`,
      `address add fd00:${third}::2/64 dev ${link} nodad`,
      `address delete 192.168.${third}.3/24 dev ${link}`,
      `address delete fd00:${third}::3/64 dev ${link}`,
    ]);
    expect(await join('b')).toEqual(address(3));
    expect(await codeOf(join('c', ...address(2)))).toBe('address.taken');
  });

  it("N12 a connect, and a set-up after a restart, skip the host's own addresses", async () => {
    await lab.client.network.create({ name: 'other' });
    await lab.client.container.setup({ id: 'a', networks: [{ network: 'other' }] });
    await lab.client.container.setup({ id: 'b', networks: [{ network: 'lan', staticIps: address(2) }] });
    await lab.client.container.connect({ id: 'a', network: 'lan' });
    expect(await addressesOf('a')).toEqual(address(1));
    await lab.restart('kill');
    expect(await join('c')).toEqual(address(4));
  });
});

it('N12 addresses on every link count: a host that reaches its macvlan by an address of its own', async () => {
  await lab.client.network.create(request('macvlan'));
  ipBatch(null, [
    'link add shim0 link up0 type macvlan mode bridge',
    'link set shim0 up',
    'address add 192.168.34.1/32 dev shim0',
  ]);
  expect(await join('a')).toEqual(['192.168.34.2', 'fd00:34::1']);
  ipBatch(null, ['link delete shim0']);
});

it("N12 a static address from podman is refused only where it is the host's own", async () => {
  const definition = {
    name: 'lan',
    id: 'a'.repeat(64),
    driver: 'bridge',
    network_interface: 'br0',
    created: '2026-01-01T00:00:00Z',
    subnets: [{ subnet: '192.168.33.0/24', gateway: '192.168.33.1' }],
    ipv6_enabled: false,
    internal: false,
    dns_enabled: false,
    options: { mode: 'unmanaged' },
  };
  const attach = (id: string, address: string) =>
    lab.client.container.attach({ id, networks: [{ network: 'lan', staticIps: [address], definition }] });
  await attach('a'.repeat(64), '192.168.33.2');
  expect(await refusal(attach('b'.repeat(64), '192.168.33.3'))).toMatchObject({
    code: 'address.taken',
    message: "address 192.168.33.3 is this host's own",
  });
});

it('N12 an address added to a bridge of netloom is noticed, and given to no container', async () => {
  await lab.client.network.create({ name: 'lan', subnets: [{ subnet: '10.88.0.0/24' }, { subnet: 'fd00:88::/64' }] });
  expect(await join('a')).toEqual(['10.88.0.2', 'fd00:88::2']);
  const { network_interface: bridge } = (await lab.client.network.inspect({ name: 'lan' })).network;
  ipBatch(null, [`address add 10.88.0.3/24 dev ${bridge}`, `address add fd00:88::3/64 dev ${bridge} nodad`]);
  await untilAnswered(async () =>
    expect(
      await codeOf(
        lab.client.container.plan({ id: 'c', networks: [{ network: 'lan', staticIps: ['10.88.0.3', 'fd00:88::3'] }] }),
      ),
    ).toBe('address.taken'),
  );
  expect(await join('b')).toEqual(['10.88.0.4', 'fd00:88::4']);
});
