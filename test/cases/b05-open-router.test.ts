import { afterAll, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { netloom } from '../cli/netloom.ts';
import { untilAnswered } from '../support/daemon.ts';
import { ip } from '../support/fresh-host.ts';
import { Lab } from '../support/lab.ts';
import { hostAddress, ipBatch, OtherHost } from '../support/other-host.ts';
import type { Peer } from '../support/peer.ts';
import { advertiseRouter } from '../support/router-advertiser.ts';

// A machine beside the host routes the containers' subnets through it; it is the host's IPv6 router as well.

let lab: Lab;
let other: OtherHost;
let neighbour: Peer;
const [address4, address6] = ['10.85.0.2', 'fd00:85::2'];
const reach = (address: string, port: number) => neighbour.reach('tcp', address, port, 700);
const forwarding6 = () => native.getSysctl(null, 'net.ipv6.conf.all.forwarding');
const acceptRa = (link: string) => native.getSysctl(null, `net.ipv6.conf.${link}.accept_ra`);
const learnt = () => ip<{ dst: string }[]>('-6', 'route', 'show', 'proto', 'ra').map(({ dst }) => dst);

beforeAll(async () => {
  lab = await Lab.open();
  other = new OtherHost(lab.directory.path);
  neighbour = lab.peers.in(other.netns, 'neighbour');
  other.routeHere('10.85.0.0/24', 'fd00:85::/64');
  ipBatch(other.netns, ['address add fe80::7/64 dev eth0 nodad']);
  native.setSysctl(null, 'net.ipv6.conf.up0.accept_ra', '1');
  await untilAnswered(async () => {
    advertiseRouter({ netns: other.netns, interfaceName: 'eth0', source: 'fe80::7', prefix: '2001:db8:7::/64' });
    expect(learnt()).toContain('default');
  });
});
afterAll(async () => {
  await lab.peers.end();
  other?.remove();
  await lab.close();
});

it('B05 N03 N09 a neighbour reaches published ports only, the host keeps its default route, and forwarding is restored', async () => {
  const subnets = [{ subnet: '10.85.0.0/24' }, { subnet: 'fd00:85::/64' }];
  await lab.client.network.create({ name: 'six', subnets });
  const { netns } = await lab.client.container.setup({
    id: 'web',
    networks: [{ network: 'six' }],
    ports: [{ hostPort: 8080, containerPort: 80 }],
  });
  expect([learnt().includes('default'), acceptRa('up0'), acceptRa('default'), forwarding6()]).toEqual([
    true,
    '2',
    '2',
    '1',
  ]);
  const web = lab.peers.in(netns.path, 'web');
  for (const port of [80, 81]) expect(await web.serve('tcp', port)).toBe('ready');

  const guarded = async () => {
    expect(await reach(hostAddress[4], 8080)).toContain('web:80');
    expect(await reach(hostAddress[6], 8080)).toContain('web:80');
    for (const address of [address4, address6]) expect(await reach(address, 81)).toBe('silence');
  };
  await guarded();
  await lab.client.network.update({ name: 'six', options: { inbound: 'open' } });
  for (const address of [address4, address6]) expect(await reach(address, 81)).toContain('web:81');
  await lab.client.network.update({ name: 'six', options: { inbound: 'guarded' } });
  await guarded();
  await lab.restart('kill');
  await guarded();

  const how = 'switched on by netloom, links of others stay apart';
  const shown = `IPv4 ${how}; IPv6 ${how}`;
  expect((await netloom(lab.daemon, ['node', 'info'])).stdout).toContain(shown);
  const { checks } = JSON.parse((await netloom(lab.daemon, ['doctor', '--json'])).stdout);
  expect(checks).toContainEqual({ check: 'Forwarding', ok: true, found: shown, mend: null });

  for (const key of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']) {
    native.setSysctl(null, key, '0');
    await expect.poll(() => native.getSysctl(null, key), { timeout: 1_000, interval: 10 }).toBe('1');
  }
  await lab.facts.event('node/testnode drift-healed');
  expect(learnt()).toContain('default');

  await lab.remove('web');
  await lab.client.network.remove({ name: 'six' });
  await untilAnswered(async () =>
    expect([forwarding6(), acceptRa('up0'), acceptRa('default')]).toEqual(['0', '1', '1']),
  );
  expect(learnt()).toContain('default');
});
