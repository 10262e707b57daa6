import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import { hostVethName } from '../../src/core/object-names.ts';
import { netloom } from '../cli/netloom.ts';
import { runDoor } from '../doors/door.ts';
import { untilAnswered } from '../support/daemon.ts';
import {
  advertisement,
  arp,
  ethernet,
  etherTypes,
  FrameListener,
  icmp6,
  sendFrames,
  solicitation,
  tagged,
  udp4,
  udp6,
} from '../support/frames.ts';
import { nftElements } from '../support/fresh-host.ts';
import { Lab } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

// A container with NET_RAW sends frames with forged senders. A neighbour and the bridge listen: a valid frame sent after them
// shows when a forged one would have arrived.

const report: string[] = [];

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterEach(async () => {
  await lab.clear();
});
afterAll(async () => {
  console.log(`what a bridge takes from a container:\n  ${report.join('\n  ')}`);
  await lab.close();
});

let markers = 0;
function newMarker(): Buffer {
  markers += 1;
  return Buffer.from(`b14${markers.toString().padStart(3, '0')}`);
}

interface Sender {
  id: string;
  netns: string;
  interfaceName: string;
  mac: string;
  /** the addresses of its link, in the order of the subnets */
  addresses: string[];
}

async function setUp(id: string, network = 'net', more: Record<string, unknown> = {}): Promise<Sender> {
  const { netns, status } = await lab.client.container.setup({ id, networks: [{ network, ...more }] });
  return { id, netns: netns.path, ...linkIn(status, network) };
}

type Status = Awaited<ReturnType<Lab['client']['container']['setup']>>['status'];
function linkIn(status: Status, network: string): Pick<Sender, 'interfaceName' | 'mac' | 'addresses'> {
  const [entry] = Object.entries(status[network]?.interfaces ?? {});
  if (!entry) throw new Error(`no interface on ${network}`);
  const [interfaceName, { mac_address: mac, subnets }] = entry;
  return { interfaceName, mac, addresses: subnets.map(({ ipnet }) => ipnet.split('/')[0] as string) };
}

/** Returns which of the frames arrived, in order. `right`: a frame that is known to pass, sent after them. */
async function arrived(
  from: Pick<Sender, 'netns' | 'interfaceName'>,
  listener: FrameListener,
  frames: readonly ((marker: Buffer) => Buffer)[],
  right: (marker: Buffer) => Buffer,
): Promise<boolean[]> {
  const marked = frames.map(newMarker);
  const last = newMarker();
  sendFrames(from.netns, from.interfaceName, [
    ...frames.map((frame, index) => frame(marked[index] as Buffer)),
    right(last),
  ]);
  await listener.hears(last);
  return marked.map((marker) => listener.has(marker));
}

const probe = (mac: string) => (marker: Buffer) =>
  ethernet(mac, etherTypes.arp, arp({ operation: 1, mac, address: '0.0.0.0', target: '10.66.0.99' }, marker));
const from4 = (mac: string, address: string) => (marker: Buffer) =>
  // one flow each: with br_netfilter a flow begun by another link keeps the translation of that link
  ethernet(mac, etherTypes.ipv4, udp4(address, '255.255.255.255', marker, [20_000 + markers, 4001]));

const dropped = async (id: string, network = 'net') =>
  (await lab.client.container.inspect({ id })).dropped[network]?.packets ?? null;

const subnets = [{ subnet: '10.66.0.0/24' }, { subnet: 'fd00:66::/64' }];
const gateway = { 4: '10.66.0.1', 6: 'fd00:66::1' };
const stranger = '02:00:5e:00:53:01';

type Frames = [name: string, frame: (marker: Buffer) => Buffer][];

/** The forged frames of the first container, and its valid ones; both containers have an address of each family. */
function framesOf(one: Sender, two: Sender): { attacks: Frames; rights: Frames } {
  const [own4, own6] = one.addresses as [string, string];
  const [its4, its6] = two.addresses as [string, string];
  const ip4 = (source: string, ports?: [number, number]) => (m: Buffer) =>
    ethernet(one.mac, etherTypes.ipv4, udp4(source, '255.255.255.255', m, ports));
  const ip6 = (source: string) => (m: Buffer) => ethernet(one.mac, etherTypes.ipv6, udp6(source, 'ff02::1', m));
  const arpFrame =
    (operation: 1 | 2, address: string, mac = one.mac, from = one.mac) =>
    (m: Buffer) =>
      ethernet(from, etherTypes.arp, arp({ operation, mac, address }, m));
  const nd =
    (type: number, source: string, body: Buffer, behindOptions = false) =>
    (m: Buffer) =>
      ethernet(one.mac, etherTypes.ipv6, icmp6({ type, source, body }, m, behindOptions));
  const na = (source: string, target: string, behindOptions = false) =>
    nd(136, source, advertisement(target, one.mac), behindOptions);
  const within = (vlan: number, frame: (m: Buffer) => Buffer, type?: number) => (m: Buffer) =>
    tagged(frame(m), vlan, type);
  return {
    attacks: [
      ["ARP: a neighbour's address, as an answer", arpFrame(2, its4)],
      ["ARP: a neighbour's address, as a question", arpFrame(1, its4)],
      ["ARP: the gateway's address", arpFrame(2, gateway[4])],
      ["ARP: its own address at a neighbour's MAC", arpFrame(2, own4, two.mac)],
      ['ARP: its own address, sent from another MAC', arpFrame(2, own4, one.mac, stranger)],
      ["ARP: whether an address is free, for a neighbour's MAC", arpFrame(1, '0.0.0.0', two.mac)],
      ["IPv4 from a neighbour's address", ip4(its4)],
      ["IPv4 from the gateway's address", ip4(gateway[4])],
      ['IPv4 from an address of elsewhere', ip4('192.0.2.66')],
      ['DHCP, as a server that is the gateway', ip4(gateway[4], [67, 68])],
      ["IPv6 from a neighbour's address", ip6(its6)],
      ["IPv6 from the gateway's address", ip6(gateway[6])],
      ['IPv6 from an address of elsewhere', ip6('2001:db8::66')],
      ["neighbour advertisement of a neighbour's address, from its own", na(own6, its6)],
      ["neighbour advertisement of a neighbour's address, from fe80::66", na('fe80::66', its6)],
      ["neighbour advertisement of the gateway's address", na('fe80::66', gateway[6])],
      ['the same behind a header of options', na('fe80::66', gateway[6], true)],
      ["neighbour solicitation from a neighbour's address", nd(135, its6, solicitation(own6))],
      ['router advertisement', nd(134, 'fe80::66', Buffer.from('400007080000000000000000', 'hex'))],
      ['redirect', nd(137, 'fe80::66', Buffer.concat([solicitation(its6), solicitation(its6).subarray(4)]))],
      ['another MAC', (m) => ethernet(stranger, etherTypes.ipv4, udp4(own4, '255.255.255.255', m))],
      ["a neighbour's MAC", (m) => ethernet(two.mac, etherTypes.ipv4, udp4(own4, '255.255.255.255', m))],
      ['another MAC, another protocol', (m) => ethernet(stranger, etherTypes.experiment, m)],
      ["VLAN 0, ARP of the gateway's address", within(0, arpFrame(2, gateway[4]))],
      ["VLAN 0, IPv4 from a neighbour's address", within(0, ip4(its4))],
      ['VLAN 0, even from its own address', within(0, ip4(own4))],
      ["802.1ad with VLAN 0, ARP of the gateway's address", within(0, arpFrame(2, gateway[4]), etherTypes.serviceVlan)],
      ["VLAN 7, IPv4 from a neighbour's address", within(7, ip4(its4))],
      ["VLAN 0 twice, ARP of the gateway's address", within(0, within(0, arpFrame(2, gateway[4])))],
    ],
    rights: [
      ['IPv4 from its own address', ip4(own4)],
      ['IPv6 from its own address', ip6(own6)],
      ['ARP: its own address', arpFrame(2, own4)],
      ['ARP: whether an address is free (0.0.0.0)', probe(one.mac)],
      ['DHCP: a client without an address (0.0.0.0)', ip4('0.0.0.0', [68, 67])],
      ['DHCP: a server at its own address', ip4(own4, [67, 68])],
      ['DAD: neighbour solicitation from ::', nd(135, '::', solicitation(own6))],
      ['neighbour solicitation from fe80::66', nd(135, 'fe80::66', solicitation(its6))],
      ['neighbour solicitation from its own address', nd(135, own6, solicitation(its6))],
      ['neighbour advertisement of its own address', na(own6, own6)],
      ['neighbour advertisement of fe80::66', na('fe80::66', 'fe80::66')],
      ['echo request from its own address', nd(128, own6, Buffer.from('00010001', 'hex'))],
      ['a protocol without addresses (0x88b5)', (m) => ethernet(one.mac, etherTypes.experiment, m)],
    ],
  };
}

const titles = (frames: Frames) => frames.map(([title]) => title);
const makers = (frames: Frames) => frames.map(([, frame]) => frame);

/** Returns the titles of the frames that a listener received. */
async function taken(from: Sender, listener: FrameListener, frames: Frames): Promise<string[]> {
  const came = await arrived(from, listener, makers(frames), probe(from.mac));
  return titles(frames).filter((_, index) => came[index]);
}

async function listening<T>(at: Sender, work: (listener: FrameListener) => Promise<T>): Promise<T> {
  const listener = await FrameListener.open(at.netns, at.interfaceName);
  try {
    return await work(listener);
  } finally {
    await listener.close();
  }
}

/** Checks whether a frame from that address reaches the other container. */
const passes4 = (from: Sender, to: Sender, address: string): Promise<boolean> =>
  listening(to, async (listener) => {
    const [came] = await arrived(from, listener, [from4(from.mac, address)], probe(from.mac));
    return came as boolean;
  });

const createNet = (more: Record<string, unknown> = {}) => lab.client.network.create({ name: 'net', subnets, ...more });

describe('B14 frames of a container', () => {
  it.each([
    ['on a network as it is', {}, {}],
    ['on an internal network, with a MAC that was asked for', { internal: true }, { staticMac: '02:66:00:00:00:66' }],
  ])('B14 frames with a MAC or address outside the lease are dropped: %s', async (kind, network, attachment) => {
    const { definition } = await createNet(network);
    const one = await setUp('one', 'net', attachment);
    const two = await setUp('two');
    const { attacks, rights } = framesOf(one, two);
    const before = (await dropped('one')) ?? 0;
    const ears = [
      await FrameListener.open(two.netns, two.interfaceName),
      await FrameListener.open(null, definition.network_interface as string),
    ];
    for (const listener of ears) expect(await taken(one, listener, [...attacks, ...rights])).toEqual(titles(rights));
    await Promise.all(ears.map((listener) => listener.close()));
    const counted = before + ears.length * attacks.length;
    expect(await dropped('one')).toBe(counted);
    expect(await dropped('two')).toBe(0);
    expect((await lab.client.network.inspect({ name: 'net' })).dropped).toMatchObject({ one: { packets: counted } });
    report.push(`${kind}: ${attacks.length} kinds dropped, ${rights.length} taken`);
    if (kind !== 'on a network as it is') return;
    report.push(...titles(attacks).map((title) => `dropped   ${title}`));
    report.push(...titles(rights).map((title) => `taken     ${title}`));
    expect((await netloom(lab.daemon, ['reachability', '--why'])).stdout).toMatch(
      /one +net +\d+ +\d+ +the MAC or IP address is not its own/,
    );
    expect((await netloom(lab.daemon, ['inspect', 'one'])).stdout).toMatch(/dropped: \d+ frames/);
  });

  it('B14 spoofing=allow lets every frame through, and can be set and unset while containers are up', async () => {
    await createNet({ options: { spoofing: 'allow' } });
    const [one, two] = [await setUp('one'), await setUp('two')];
    const { attacks } = framesOf(one, two);
    const isHeld = () => nftElements('set', 'held_links', 'bridge').length > 0;
    await listening(two, async (listener) => {
      expect(await taken(one, listener, attacks)).toEqual(titles(attacks));
      expect(await dropped('one')).toBeNull();
      for (const spoofing of ['guarded', 'allow', 'guarded']) {
        await lab.client.network.update({ name: 'net', options: { spoofing } });
        await untilAnswered(async () => expect(isHeld()).toBe(spoofing === 'guarded'));
        await untilAnswered(async () => expect(await dropped('two')).toBe(spoofing === 'guarded' ? 0 : null));
        expect(await taken(one, listener, attacks), spoofing).toEqual(spoofing === 'allow' ? titles(attacks) : []);
      }
    });
    // a container that joins a guarded network is held to its lease, and stays so over a restart
    const three = await setUp('three');
    await lab.restart('stop');
    expect(await passes4(three, two, gateway[4])).toBe(false);
    report.push('spoofing=allow, guarded, allow, guarded by network update, while up: in effect each time');
  });

  it("B14 forged frames, even those to the bridge itself, do not take over a neighbour's entry in the bridge's table", async () => {
    const { definition } = await createNet();
    const [one, two] = [await setUp('one'), await setUp('two')];
    const portOf = (mac: string) =>
      (
        JSON.parse(
          execFileSync('bridge', ['-j', 'fdb', 'show', 'br', definition.network_interface as string], {
            encoding: 'utf8',
          }),
        ) as { mac: string; ifname: string }[]
      )
        .filter((entry) => entry.mac === mac)
        .map(({ ifname }) => ifname);
    // LLDP, and an address that a bridge keeps for itself
    const reserved = ['01:80:c2:00:00:0e', '01:80:c2:00:00:03', '01:80:c2:00:00:00'];
    const steal = async () =>
      listening(two, (listener) =>
        arrived(
          one,
          listener,
          [
            ...reserved.map((to) => (m: Buffer) => ethernet(two.mac, etherTypes.experiment, m, to)),
            (m: Buffer) => ethernet(two.mac, etherTypes.experiment, m),
          ],
          probe(one.mac),
        ),
      );
    sendFrames(two.netns, two.interfaceName, [probe(two.mac)(newMarker())]);
    await steal();
    expect(portOf(two.mac)).toEqual([hostVethName('two', 'net')]);
    await lab.client.network.update({ name: 'net', options: { spoofing: 'allow' } });
    await untilAnswered(async () => expect(await dropped('one')).toBeNull());
    // until the neighbour sends the next frame
    await untilAnswered(async () => {
      await steal();
      expect(portOf(two.mac)).toEqual([hostVethName('one', 'net')]);
    });
    report.push("a neighbour's MAC, also to 01:80:c2:00:00:00, :03 and :0e: its entry in the bridge's table stays");
  });

  it('B14 replies to an alias, or after a change of MAC, are delivered again once the container uses its own address', async () => {
    await createNet();
    const [one, two] = [await setUp('one'), await setUp('two')];
    const [inside, other] = [lab.peers.in(one.netns, 'one'), lab.peers.in(two.netns, 'two')];
    const host = lab.peers.in(null, 'host');
    await Promise.all([inside.serve('tcp', 80), other.serve('tcp', 80), host.serve('tcp', 80)]);
    const [its4] = two.addresses as [string];
    expect(await host.reach('tcp', its4, 80)).toMatch(/^two/);
    ipBatch(one.netns, [`address add ${its4}/24 dev eth0`, `address add ${gateway[4]}/24 dev eth0`]);
    expect(await host.reach('tcp', its4, 80)).toMatch(/^two/);
    expect(await other.reach('tcp', gateway[4], 80)).toMatch(/^host/);
    ipBatch(one.netns, [`address delete ${its4}/24 dev eth0`, `address delete ${gateway[4]}/24 dev eth0`]);
    ipBatch(one.netns, [`link set eth0 address ${stranger}`]);
    expect(await host.reach('udp', one.addresses[0] as string, 80, 150)).not.toMatch(/^one/);
    ipBatch(one.netns, [`link set eth0 address ${one.mac}`]);
    await untilAnswered(async () =>
      expect(await host.reach('tcp', one.addresses[0] as string, 80, 500)).toMatch(/^one/),
    );
    report.push('an alias is of no use; with another MAC nothing passes, with its own again all');
  });
});

describe('B14 what a container may send', () => {
  it('B14 a container may send from the addresses of all its networks, by each of its links, through connect, disconnect and reload', async () => {
    await createNet();
    await lab.client.network.create({ name: 'more', subnets: [{ subnet: '10.67.0.0/24' }] });
    const two = await setUp('two');
    const one = await setUp('one');
    const [first4] = one.addresses as [string];
    const away = await setUp('away', 'more');
    const { status } = await lab.client.container.connect({ id: 'one', network: 'more' });
    const second: Sender = { ...one, ...linkIn(status, 'more') };
    const [second4] = second.addresses as [string];
    const ways = async () => ({
      'its first by the second': await passes4(second, away, first4),
      'its second by the first': await passes4(one, two, second4),
      "a neighbour's by the second": await passes4(second, away, two.addresses[0] as string),
    });
    const both = {
      'its first by the second': true,
      'its second by the first': true,
      "a neighbour's by the second": false,
    };
    expect(await ways()).toEqual(both);
    await lab.client.container.reload({ id: 'one' });
    expect(await ways()).toEqual(both);
    await lab.restart('kill');
    await lab.facts.event('container/one adopted');
    expect(await ways()).toEqual(both);
    await lab.client.container.disconnect({ id: 'one', network: 'more' });
    expect(await passes4(one, two, second4)).toBe(false);
    expect(await passes4(one, two, first4)).toBe(true);
    expect(nftElements('set', 'held_links', 'bridge')).toHaveLength(3);
    report.push('on two networks: the address of each by the link of the other; after disconnect not any more');
  });

  it('B14 a container that is the gateway of a route may forward any address, but only with its own MAC', async () => {
    await createNet({ routes: [{ destination: '10.99.0.0/16', gateway: '10.66.0.9' }] });
    const two = await setUp('two');
    const router = await setUp('router', 'net', { staticIps: ['10.66.0.9'] });
    expect(await passes4(router, two, '10.99.1.1')).toBe(true);
    expect(await passes4({ ...router, mac: router.mac }, two, two.addresses[0] as string)).toBe(true);
    const [came] = await listening(two, (listener) =>
      arrived(router, listener, [from4(stranger, '10.99.1.1')], probe(router.mac)),
    );
    expect(came).toBe(false);
    expect(await passes4(await setUp('other'), two, '10.99.1.1')).toBe(false);
    report.push('the gateway of a route: any address by its own MAC; its neighbours are held');
  });

  it.each([
    ['ipam none', { subnets: [], dns_enabled: false, ipam_options: { driver: 'none' } }],
    ['router advertisements', { subnets: [{ subnet: '10.66.0.0/24' }], options: { accept_ra: '2' } }],
  ])(
    'B14 a container may send from any address, but only with its own MAC, where addresses come from outside: %s',
    async (kind, request) => {
      await createNet(request);
      const [one, two] = [await setUp('one'), await setUp('two')];
      expect(await passes4(one, two, '192.0.2.66')).toBe(true);
      const [came] = await listening(two, (listener) =>
        arrived(one, listener, [from4(stranger, '192.0.2.66')], probe(one.mac)),
      );
      expect(came).toBe(false);
      report.push(`${kind}: any address by its own MAC`);
    },
  );

  it('B14 the sender check does not apply on a foreign bridge', async () => {
    ipBatch(null, ['link add theirs type bridge', 'link set theirs up']);
    await lab.client.network.create({
      name: 'theirs',
      network_interface: 'theirs',
      subnets: [{ subnet: '10.68.0.0/24' }],
      options: { mode: 'unmanaged' },
    });
    const [one, two] = [await setUp('one', 'theirs'), await setUp('two', 'theirs')];
    expect(await passes4(one, two, '192.0.2.66')).toBe(true);
    expect(nftElements('set', 'held_links', 'bridge')).toEqual([]);
    await lab.remove('one');
    await lab.remove('two');
    ipBatch(null, ['link delete theirs']);
    report.push('a bridge of others: left alone');
  });

  it('B14 the sender check applies to a container that an engine brings through the door', async () => {
    const { definition } = await createNet();
    const two = await setUp('two');
    const netns = `${lab.directory.path}/engine`;
    native.createNetns(netns).socket.close();
    const id = 'e'.repeat(64);
    const network = { static_ips: ['10.66.0.20', 'fd00:66::20'], interface_name: 'eth0' };
    const input = {
      container_id: id,
      container_name: 'e',
      networks: { net: network },
      network_info: { net: definition },
    };
    const env = { NETLOOM_RUN_DIR: lab.daemon.runDirectory };
    const { code, stdout } = await runDoor(['setup', netns], { env, input });
    expect(code).toBe(0);
    const one: Sender = { id, netns, ...linkIn(JSON.parse(stdout) && { net: JSON.parse(stdout).net }, 'net') };
    expect(await passes4(one, two, '10.66.0.20')).toBe(true);
    expect(await passes4(one, two, gateway[4])).toBe(false);
    await runDoor(['teardown', netns], { env, input });
    native.removeNetns(netns);
    await lab.facts.event(`container/${id} removed`);
    report.push("an engine's container, by the door: held as ours are");
  });
});

describe('B14 the guard', () => {
  it.each([
    ['flush ruleset', 'flush ruleset'],
    ['the table of bridges', 'delete table bridge netloom'],
    ['its rules', 'flush table bridge netloom'],
    ['a set', 'flush set bridge netloom held_links'],
    ['a chain', 'flush chain bridge netloom prerouting; delete chain bridge netloom prerouting'],
    ['its addresses', 'flush set bridge netloom sources4'],
  ])('B14 the guard is restored after the loss of %s', async (what, command) => {
    await createNet();
    const [one, two] = [await setUp('one'), await setUp('two')];
    execFileSync('nft', [command]);
    const { attacks, rights } = framesOf(one, two);
    await untilAnswered(async () => {
      const came = await listening(two, (listener) => taken(one, listener, [...attacks, ...rights]));
      expect(came).toEqual(titles(rights));
    });
    report.push(`${what} is taken away: all as before`);
  });

  it('B14 the guard passes published ports, hairpin and IPv6, and counts none of these packets', async () => {
    await createNet();
    const { netns } = await lab.client.container.setup({
      id: 'web',
      networks: [{ network: 'net' }],
      ports: [{ hostPort: 8066, containerPort: 80 }],
    });
    const two = await setUp('two');
    const [web, neighbour] = [lab.peers.in(netns.path, 'web'), lab.peers.in(two.netns, 'two')];
    await web.serve('tcp', 80);
    const asked = [
      lab.peers.in(null, 'host').reach('tcp', '127.0.0.1', 8066),
      web.reach('tcp', gateway[4], 8066),
      web.reach('tcp', gateway[6], 8066),
      neighbour.reach('tcp', gateway[4], 8066),
      neighbour.reach('tcp', gateway[6], 8066),
      neighbour.reach('tcp', 'fd00:66::2', 80),
    ];
    for (const answer of await Promise.all(asked)) expect(answer).toMatch(/^web:80/);
    expect([await dropped('web'), await dropped('two')]).toEqual([0, 0]);
    report.push('published ports, from the host and by hairpin, both families: pass, nothing is counted');
  });
});
