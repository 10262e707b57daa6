import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { untilAnswered } from '../support/daemon.ts';
import { nftElements } from '../support/fresh-host.ts';
import { Lab } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';
import type { Peer } from '../support/peer.ts';

// A host that does not forward, with a bridge of another engine whose guests reach each other. With br_netfilter the host's
// firewall sees packets that stay on that bridge as forwarded.
//
//   guest0 192.0.2.10, fd00:2::10 ─ virbr7 ─ guest1 192.0.2.11, fd00:2::11
//   web 10.85.0.2, fd00:85::2     ─ bridge of netloom

const families = [4, 6] as const;
const guestAddress = { 4: '192.0.2.11', 6: 'fd00:2::11' } as const;
const webAddress = { 4: '10.85.0.2', 6: 'fd00:85::2' } as const;

const guestLinks = ['vnet0', 'vnet1'];
const onto = (bridge: string) => (link: string) => `link set ${link} master ${bridge}`;

let lab: Lab;
let guests: Peer[];
const guestNetns = (index: number) => `${lab.directory.path}/guest${index}`;

beforeAll(async () => {
  lab = await Lab.open();
  execFileSync('ip', ['link', 'add', 'virbr7', 'type', 'bridge']);
  for (const key of ['iptables', 'ip6tables']) native.setSysctl(null, `net.bridge.bridge-nf-call-${key}`, '1');
  // Counts every packet that is presented as forwarded within such a bridge.
  nft('add table inet witness');
  nft('add chain inet witness forward { type filter hook forward priority -10; }');
  for (const family of families)
    nft(`add rule inet witness forward meta nfproto ipv${family} iifname "virbr*" oifname "virbr*" counter`);
  ipBatch(null, ['link set virbr7 up']);
  guests = [0, 1].map(makeGuest);
  for (const guest of guests) await guest.serve('tcp', 70);
});
afterAll(async () => {
  await lab.peers.end();
  execFileSync('ip', ['link', 'delete', 'virbr7']);
  for (const index of [0, 1]) {
    execFileSync('ip', ['link', 'delete', `vnet${index}`]);
    native.removeNetns(guestNetns(index));
  }
  nft('delete table inet witness');
  await lab.close();
});

const nft = (command: string) => execFileSync('nft', [command], { encoding: 'utf8' });

function makeGuest(_: unknown, index: number): Peer {
  const netns = guestNetns(index);
  const link = `vnet${index}`;
  native.createNetns(netns).socket.close();
  execFileSync('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns]);
  ipBatch(null, [onto('virbr7')(link), `link set ${link} up`]);
  ipBatch(netns, [
    'link set eth0 up',
    `address add 192.0.2.1${index}/24 dev eth0`,
    `address add fd00:2::1${index}/64 dev eth0 nodad`,
  ]);
  return lab.peers.in(netns, `guest${index}`);
}

function packetsSeen(): number[] {
  const text = nft('list chain inet witness forward');
  return [...text.matchAll(/counter packets (\d+)/g)].map(([, count]) => Number(count));
}

async function expectNeighbours(): Promise<void> {
  const before = packetsSeen();
  for (const family of families)
    expect(await guests[0]?.reach('tcp', guestAddress[family], 70), `IPv${family}`).toContain('guest1:70');
  // proves that the firewall was asked at all
  const after = packetsSeen();
  for (const [index, count] of after.entries()) expect(count).toBeGreaterThan(before[index] as number);
}

it('B05 guests of a foreign bridge reach each other where br_netfilter shows their packets to the firewall', async () => {
  await expectNeighbours();
  const subnets = [{ subnet: '10.85.0.0/24' }, { subnet: 'fd00:85::/64' }];
  await lab.client.network.create({ name: 'web', subnets });
  const { netns } = await lab.client.container.setup({ id: 'web', networks: [{ network: 'web' }] });
  const web = lab.peers.in(netns.path, 'web');
  await web.serve('tcp', 80);
  expect(nftElements('set', 'closed_families')).toHaveLength(2);
  await expectNeighbours();

  // packets that leave that bridge are guarded as usual: none of them reaches a container
  execFileSync('ip', ['address', 'add', '192.0.2.1/24', 'dev', 'virbr7']);
  execFileSync('ip', ['address', 'add', 'fd00:2::1/64', 'dev', 'virbr7', 'nodad']);
  ipBatch(guestNetns(0), ['route add 0.0.0.0/0 via 192.0.2.1', 'route add ::/0 via fd00:2::1']);
  const reachWeb = () => Promise.all(families.map((family) => guests[0]?.reach('tcp', webAddress[family], 80, 700)));
  expect(await reachWeb()).toEqual(['silence', 'silence']);
  await lab.client.network.update({ name: 'web', options: { inbound: 'open' } });
  for (const address of Object.values(webAddress))
    expect(await guests[0]?.reach('tcp', address, 80)).toContain('web:80');
  await lab.client.network.update({ name: 'web', options: { inbound: 'guarded' } });

  // a bridge that appears when the host forwards already
  await lab.restart('kill');
  ipBatch(null, ['link add virbr8 type bridge', 'link set virbr8 up', ...guestLinks.map(onto('virbr8'))]);
  await untilAnswered(expectNeighbours);
  ipBatch(null, [...guestLinks.map(onto('virbr7')), 'link delete virbr8']);
});

/** As an older version left it: its forward chain without the guards, and without the sets that belong to them. */
const olderForward = `
flush chain inet netloom forward
delete chain inet netloom forward
delete set inet netloom open_links
delete set inet netloom closed_families
add chain inet netloom forward { type filter hook forward priority filter; policy accept; }
add rule inet netloom forward iifname . oifname @same_link accept`;

it.each([
  ['an older ruleset', olderForward],
  ['a ruleset without its forward chain', 'flush chain inet netloom forward; delete chain inet netloom forward'],
])('B05 %s in the kernel is replaced at a start, while connections of containers continue', async (_, change) => {
  const client = await lab.client.container.setup({ id: 'client', networks: [{ network: 'web' }] });
  const peer = lab.peers.in(client.netns.path, 'client');
  const host = lab.peers.in(null, 'host');
  for (const family of families) {
    expect(await host.converse(`host${family}`, webAddress[family], 80)).toContain('web:80');
    expect(await peer.converse(`peer${family}`, webAddress[family], 80)).toContain('web:80');
  }
  await lab.restart('kill', () => {
    execFileSync('nft', ['-f', '-'], { input: change.replaceAll('; delete', '\ndelete') });
  });
  await untilAnswered(async () => expect(nftElements('set', 'closed_families')).toHaveLength(2));
  const rules = nft('list chain inet netloom forward');
  for (const comment of ['from elsewhere: published ports only', 'links of others: apart'])
    expect(rules).toContain(comment);
  for (const family of families) {
    expect(await host.exchange(`host${family}`, 'still there')).toBe('still there');
    expect(await peer.exchange(`peer${family}`, 'still there')).toBe('still there');
  }
  const reachWeb = () => Promise.all(families.map((family) => guests[0]?.reach('tcp', webAddress[family], 80, 700)));
  expect(await reachWeb()).toEqual(['silence', 'silence']);
  await expectNeighbours();
  await lab.remove('client');
});
