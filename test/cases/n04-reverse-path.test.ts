import { afterAll, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { Lab } from '../support/lab.ts';
import { hostAddress, OtherHost } from '../support/other-host.ts';

// A host with strict reverse path filters, RHEL's default. A container's answer leaves by its most preferred network, not
// necessarily the one by which the question arrived.
//
//   other host ─ host ─ a4 10.90.4.0/24, fd00:90:4::/64  (the port leads here)
//                     └ m1 10.90.8.0/24, fd00:90:8::/64  metric 1: the default route

let lab: Lab;
let other: OtherHost;
beforeAll(async () => {
  lab = await Lab.open();
  for (const which of ['all', 'default']) native.setSysctl(null, `net.ipv4.conf.${which}.rp_filter`, '1');
  other = new OtherHost(lab.directory.path);
  await lab.client.network.create({ name: 'a4', subnets: [{ subnet: '10.90.4.0/24' }, { subnet: 'fd00:90:4::/64' }] });
  await lab.client.network.create({
    name: 'm1',
    subnets: [{ subnet: '10.90.8.0/24' }, { subnet: 'fd00:90:8::/64' }],
    options: { metric: '1' },
  });
});
afterAll(async () => {
  await lab.peers.end();
  other?.remove();
  await lab.close();
});

/** Bound to the address that the port leads to, as a UDP server on several networks has to be. */
async function expectAnswers(id: string, netns: string): Promise<void> {
  const server = lab.peers.in(netns, id);
  const client = lab.peers.in(other.netns, 'client');
  const { container } = await lab.client.container.inspect({ id });
  const { interfaces = {} } = container.status.a4 ?? {};
  for (const { ipnet } of Object.values(interfaces).flatMap(({ subnets }) => subnets))
    for (const transport of ['tcp', 'udp'] as const) await server.serve(transport, 80, ipnet.split('/')[0] as string);
  for (const family of [4, 6] as const)
    for (const transport of ['tcp', 'udp'] as const)
      expect(await client.reach(transport, hostAddress[family], 9300), `${transport} IPv${family}`).toMatch(`${id}:80`);
}

const ports = ['tcp', 'udp'].map((protocol) => ({ hostPort: 9300, containerPort: 80, protocol }));

it('N04 a container on a strict host answers outside clients through a network without the default route', async () => {
  const networks = [{ network: 'a4' }, { network: 'm1' }];
  const { netns } = await lab.client.container.setup({ id: 'both', networks, ports });
  await expectAnswers('both', netns.path);
  for (const name of ['eth0', 'eth1'])
    expect(native.getSysctl(netns.path, `net.ipv4.conf.${name}.rp_filter`)).toBe('2');
  await lab.remove('both');
});

it('N04 a container answers so after a connect, and inside a namespace with strict filters', async () => {
  const strict = `${lab.directory.path}/strict`;
  native.createNetns(strict).socket.close();
  for (const which of ['all', 'default']) native.setSysctl(strict, `net.ipv4.conf.${which}.rp_filter`, '1');
  const { netns } = await lab.client.container.setup({
    id: 'late',
    mode: `ns:${strict}`,
    networks: [{ network: 'a4' }],
    ports,
  });
  await lab.client.container.connect({ id: 'late', network: 'm1' });
  await expectAnswers('late', netns.path);
  await lab.remove('late');
  native.removeNetns(strict);
});
