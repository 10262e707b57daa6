import { afterAll, beforeAll, expect, it } from 'vitest';
import { Lab } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

let lab: Lab;
const dnsServers = ['8.8.8.8', '2001:4860:4860::8888'];

beforeAll(async () => {
  lab = await Lab.open();
  ipBatch(null, [
    ...['link add up0 type veth peer name up0x', 'link set up0x up', 'link set up0 up'],
    ...['link add br0 type bridge', 'link set br0 up'],
  ]);
  const { network } = lab.client;
  await network.create({
    name: 'lan',
    driver: 'macvlan',
    network_interface: 'up0',
    subnets: [{ subnet: '10.66.1.0/24' }, { subnet: 'fd00:66:1::/64' }],
  });
  await network.create({
    name: 'shared',
    network_interface: 'br0',
    subnets: [{ subnet: '10.66.2.0/24' }],
    options: { mode: 'unmanaged' },
  });
  await network.create({ name: 'quiet', dns_enabled: false });
  await network.create({ name: 'named', subnets: [{ subnet: '10.66.3.0/24' }] });
});
afterAll(() => lab.close(['up0', 'br0']));

const serversOf = (status: Record<string, { dns_server_ips: string[] }>) =>
  Object.fromEntries(Object.entries(status).map(([network, { dns_server_ips }]) => [network, dns_server_ips]));

it('N20 the status shows DNS servers of each network without a resolver: at set-up, inspect, connect and in a shared namespace', async () => {
  const { container } = lab.client;
  const { status } = await container.setup({
    id: 'a',
    networks: ['lan', 'shared', 'named'].map((network) => ({ network })),
    dnsServers,
  });
  const expected = { lan: dnsServers, shared: dnsServers, named: ['10.66.3.1'] };
  expect(serversOf(status)).toEqual(expected);
  await container.connect({ id: 'a', network: 'quiet' });
  const inspected = (await container.inspect({ id: 'a' })).container;
  expect(serversOf(inspected.status)).toEqual({ ...expected, quiet: dnsServers });
  const shared = await container.setup({ id: 'b', mode: 'container:a' });
  expect(serversOf(shared.status)).toEqual({ ...expected, quiet: dnsServers });
  await lab.restart('kill');
  expect(serversOf((await lab.client.container.inspect({ id: 'a' })).container.status)).toEqual({
    ...expected,
    quiet: dnsServers,
  });
});

it("N20 the status shows no DNS servers where the container has none, and the container's through podman’s door", async () => {
  const plain = await lab.client.container.setup({ id: 'plain', networks: [{ network: 'lan' }] });
  expect(serversOf(plain.status)).toEqual({ lan: [] });
  const attached = await lab.client.container.attach({
    id: 'c'.repeat(64),
    networks: [{ network: 'lan' }],
    dnsServers: ['8.8.8.8'],
  });
  expect(serversOf(attached.status)).toEqual({ lan: ['8.8.8.8'] });
});
