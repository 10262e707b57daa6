import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { runDoor } from '../doors/door.ts';
import { untilAnswered } from '../support/daemon.ts';
import { ipWithin } from '../support/fresh-host.ts';
import { codeOf, Lab } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

// The request of podman 6 to netavark for `podman network create`, and its result.

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterEach(async () => {
  await untilAnswered(async () => {
    expect((await lab.client.container.list()).containers).toEqual([]);
    expect((await lab.client.network.list()).networks).toEqual([]);
  });
});
afterAll(() => lab.close());

const env = () => ({ NETLOOM_RUN_DIR: lab.daemon.runDirectory });

/** Creates with podman's options: `--disable-dns` is `dns_enabled: false`, `--dns` is `network_dns_servers`. */
async function create(network: Record<string, unknown>) {
  const base = { name: 'n1', id: 'c'.repeat(64), driver: 'bridge', created: '0001-01-01T00:00:00Z' };
  const input = {
    network: { ...base, ipv6_enabled: false, internal: false, dns_enabled: true, ...network },
    used: { interfaces: ['podman0'], names: { podman: 'd'.repeat(64) }, subnets: ['10.88.0.0/16', '127.0.0.0/8'] },
    options: {
      subnet_pools: [{ base: '10.89.0.0/16', size: 24 }],
      default_interface_name: 'podman',
      check_used_subnets: true,
    },
  };
  const { code, stdout, stderr } = await runDoor(['create'], { env: env(), input });
  expect(stderr).toBe('');
  return { code, ...JSON.parse(stdout) };
}

/** Sets up a container of podman on that network, with these addresses; answers what it has. */
async function use(definition: { name: string }, static_ips: string[]) {
  const netns = `${lab.directory.path}/engine-made`;
  native.createNetns(netns).socket.close();
  const { code: _, ...network } = definition as { name: string; code?: number };
  const input = {
    container_id: 'e'.repeat(64),
    container_name: 'c1',
    networks: [{ name: network.name, interface_name: 'eth0', ...(static_ips.length > 0 && { static_ips }) }],
    network_info: { [network.name]: network },
  };
  try {
    const result = await runDoor(['setup', netns], { env: env(), input });
    const found = ipWithin<{ ifname: string; addr_info: { local: string; family: string }[] }[]>(netns, 'address');
    const eth0 = found.find(({ ifname }) => ifname === 'eth0');
    const addresses = eth0?.addr_info.filter(({ local }) => !local.startsWith('fe80')).map(({ local }) => local);
    return { ...result, addresses: addresses ?? null };
  } finally {
    await runDoor(['teardown', netns], { env: env(), input });
    native.removeNetns(netns);
  }
}

it('C06 a network without IPAM has no DNS, and a container joins it without an address', async () => {
  const made = await create({ ipam_options: { driver: 'none' } });
  expect(made).toMatchObject({ code: 0, dns_enabled: false, network_interface: 'podman1' });
  expect(made).not.toHaveProperty('subnets');
  expect(await use(made, [])).toMatchObject({ code: 0, stderr: '', addresses: [] });
});

it('C06 name servers are refused for a network without DNS', async () => {
  for (const network of [
    { dns_enabled: false },
    { ipam_options: { driver: 'none' } },
    { driver: 'macvlan', subnets: [{ subnet: '10.7.0.0/24' }] },
  ])
    expect(await create({ ...network, network_dns_servers: ['9.9.9.9'] })).toEqual({
      code: 1,
      error: expect.stringMatching(/^--dns: .* answers no names/),
    });
});

it('C06 an unmanaged network without bridge and subnet gets a free name and a free subnet', async () => {
  ipBatch(null, ['link add podman1 type bridge', 'link set podman1 up']);
  try {
    const free = await create({ options: { mode: 'unmanaged' } });
    expect(free).toMatchObject({
      code: 0,
      network_interface: 'podman2',
      subnets: [{ subnet: '10.89.0.0/24', gateway: '10.89.0.1' }],
    });
    // netavark makes it, too, and refuses its containers until the bridge exists
    const refused = await use(free, ['10.89.0.2']);
    expect([refused.code, JSON.parse(refused.stdout).error]).toEqual([1, expect.stringContaining('podman2')]);
    const upon = { options: { mode: 'unmanaged' }, network_interface: 'podman1', dns_enabled: false };
    const made = await create(upon);
    expect(made).toMatchObject({ code: 0, network_interface: 'podman1', subnets: [{ subnet: '10.89.0.0/24' }] });
    expect(await use(made, ['10.89.0.2'])).toMatchObject({ code: 0, addresses: ['10.89.0.2'] });
    const bare = await create({ ...upon, ipam_options: { driver: 'none' } });
    expect(await use(bare, [])).toMatchObject({ code: 0, addresses: [] });
  } finally {
    ipBatch(null, ['link delete podman1']);
  }
});

it('C06 a network gets both families where IPv6 is requested, and may use an existing parent', async () => {
  const dual = await create({ ipv6_enabled: true, subnets: [{ subnet: 'fd07::/64' }] });
  expect(dual).toMatchObject({ subnets: [{ subnet: 'fd07::/64', gateway: 'fd07::1' }, { subnet: '10.89.0.0/24' }] });
  expect(await use(dual, ['fd07::2', '10.89.0.2'])).toMatchObject({
    code: 0,
    addresses: expect.arrayContaining(['fd07::2', '10.89.0.2']),
  });
  const subnets = [{ subnet: '10.7.0.0/24' }];
  expect(await create({ driver: 'macvlan', network_interface: 'gone0', subnets })).toEqual({
    code: 1,
    error: 'parent interface gone0 does not exist',
  });
});

it("C06 netloom's own networks get the same defaults where the meaning is the same", async () => {
  const { network } = lab.client;
  const { definition } = await network.create({ name: 'bare', ipam_options: { driver: 'none' } });
  expect(definition).toMatchObject({ dns_enabled: false, subnets: [] });
  await network.remove({ name: 'bare' });
  expect(await codeOf(network.create({ name: 'mute', dns_enabled: false, network_dns_servers: ['9.9.9.9'] }))).toBe(
    'payload.invalid',
  );
});
