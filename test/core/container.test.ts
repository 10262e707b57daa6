import { describe, expect, it } from 'vitest';
import { type ContainerRequest, containerRequestSchema } from '../../src/core/container/request.ts';
import { containerWish } from '../../src/core/container/wish.ts';
import type { Fault } from '../../src/core/fault.ts';
import { defaultNetworkWish } from '../../src/core/network/default.ts';
import { fileOf } from '../../src/core/network/file.ts';
import { networkDefinition } from '../../src/core/network/wish.ts';
import { definitionOf, wishOf } from './samples.ts';

const refused = (request: Partial<ContainerRequest>): Fault => {
  const made = containerWish({ id: 'web', ...request });
  if (!('code' in made)) throw new Error('accepted');
  return made;
};
const names = (...networks: NonNullable<ContainerRequest['networks']>) =>
  wishOf({ networks }).attachments.map(({ network, interfaceName }) => `${network} ${interfaceName}`);

describe('the wish of a container', () => {
  const network = (name: string, more: object = {}) => ({ network: name, ...more });

  it('A04 the wish of a container applies static addresses and a MAC to its first network when that has none of its own', () => {
    const own = { staticIps: ['10.0.0.9', 'fd00::9'], staticMac: '02:00:00:00:00:09' };
    const [first, second] = wishOf({ ...own, networks: [network('a'), network('b')] }).attachments;
    expect(first).toMatchObject(own);
    expect(second).toMatchObject({ staticIps: [], staticMac: null });
    const ofNetwork = { staticIps: ['10.0.0.8'], staticMac: '02:00:00:00:00:08' };
    expect(wishOf({ ...own, networks: [network('a', ofNetwork)] }).attachments).toMatchObject([ofNetwork]);
    expect(refused({ staticMac: '02:00:00:00:00:09' })).toMatchObject({ code: 'mode.conflict' });
  });

  it("A06 the wish of a container gives networks the pod's name for a container of a pod", () => {
    expect(wishOf({ name: 'web' }).networkName).toBe('web');
    expect(wishOf({ name: 'infra', pod: 'shop' })).toMatchObject({ name: 'infra', networkName: 'shop' });
  });

  it('the wish of a container accepts only addresses as name servers', () => {
    expect(wishOf({ dnsServers: ['192.0.2.1', '2001:db8::0:1'] }).dnsServers).toEqual(['192.0.2.1', '2001:db8::1']);
    expect(refused({ dnsServers: ['one.one.one.one'] })).toMatchObject({ code: 'address.invalid' });
  });
});

describe('P10 the default network', () => {
  const joined = (request: Partial<ContainerRequest>, ofDaemon?: string) => {
    const wish = containerWish({ id: 'web', ...request }, ofDaemon);
    return 'code' in wish ? wish.code : wish.attachments.map(({ network, isDefault }) => [network, isDefault ?? false]);
  };

  it('P10 the default network is joined when mode bridge is explicit, and where a network has no name', () => {
    expect(joined({ mode: 'bridge' })).toEqual([['podman', true]]);
    expect(joined({ networks: [{}, { network: 'db' }] })).toEqual([
      ['podman', true],
      ['db', false],
    ]);
    expect(joined({ networks: [{ network: 'podman' }] })).toEqual([['podman', true]]);
  });

  it('P10 the default network is not joined by default, or for an empty list of networks', () => {
    for (const request of [{}, { mode: 'bridge', networks: [] }, { mode: 'none' }, { mode: 'container:db' }])
      expect(joined(request)).toEqual([]);
  });

  it("P10 the default network has the name from the daemon's configuration, or from the request", () => {
    expect(joined({ mode: 'bridge' }, 'lan')).toEqual([['lan', true]]);
    expect(joined({ mode: 'bridge', defaultNetwork: 'web' }, 'lan')).toEqual([['web', true]]);
    expect(joined({ networks: [{ network: 'podman' }] }, 'lan')).toEqual([['podman', false]]);
  });

  it("P10 the default network is replaced by the engine's network when the engine brings its definition", () => {
    const definition = fileOf(definitionOf({ name: 'podman' }));
    expect(joined({ networks: [{ network: 'podman', definition }] })).toEqual([['podman', false]]);
  });

  it('P10 the default network gets the options of the first network, and the ports', () => {
    expect(wishOf({ mode: 'bridge', staticIps: ['10.88.0.9'], ports: [{ containerPort: 80 }] })).toMatchObject({
      attachments: [{ network: 'podman', staticIps: ['10.88.0.9'], interfaceName: 'eth0' }],
    });
  });

  it('P10 the default network may be listed only once', () => {
    expect(joined({ networks: [{}, {}] })).toBe('payload.invalid');
    expect(joined({ networks: [{}, { network: 'podman' }] })).toBe('payload.invalid');
  });

  it("P10 the default network is podman's own one, whatever its name", () => {
    const wish = defaultNetworkWish('web');
    expect(networkDefinition(wish, { bridge: wish.link, subnets: wish.subnets, created: 'now' })).toEqual({
      name: 'web',
      id: '2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9',
      driver: 'bridge',
      network_interface: 'podman0',
      created: 'now',
      subnets: [{ subnet: '10.88.0.0/16', gateway: '10.88.0.1' }],
      routes: [],
      ipv6_enabled: false,
      internal: false,
      dns_enabled: false,
      network_dns_servers: [],
      labels: {},
      options: {},
      ipam_options: { driver: 'host-local' },
    });
  });
});

describe('A01 network modes', () => {
  it('A01 bridge is the default and makes a namespace', () => {
    expect(wishOf()).toEqual({
      id: 'web',
      name: 'web',
      networkName: 'web',
      mode: 'bridge',
      netns: { kind: 'create' },
      attachments: [],
      ports: [],
      dnsServers: [],
      removeOnExit: false,
    });
  });

  it.each([
    [{ mode: 'none' }, { kind: 'create' }],
    [
      { mode: 'bridge', pid: 42 },
      { kind: 'adopt', pid: 42 },
    ],
    [
      { mode: 'none', pid: 42 },
      { kind: 'adopt', pid: 42 },
    ],
    [{ mode: 'ns:/run/netns/blue' }, { kind: 'path', path: '/run/netns/blue' }],
    [{ mode: 'ns:/run/with:colon' }, { kind: 'path', path: '/run/with:colon' }],
    [{ mode: 'container:db' }, { kind: 'container', id: 'db' }],
    [{ mode: 'host' }, { kind: 'host' }],
  ])('A01 %j gets its namespace from %j', (request, netns) => {
    expect(wishOf(request).netns).toEqual(netns);
  });

  it.each(['slirp4netns', 'slirp4netns:mtu=1500', 'pasta'])('A01 %s is refused as not supported yet', (mode) => {
    expect(refused({ mode })).toMatchObject({ code: 'mode.unsupported' });
  });

  it('A01 any other mode is refused with a clear error', () => {
    expect(refused({ mode: 'bridged' })).toEqual({
      code: 'mode.unknown',
      message: 'unknown network mode bridged: expected bridge, none, host, ns:<path> or container:<container>',
    });
    expect(refused({ mode: 'none:x' })).toMatchObject({
      code: 'mode.unknown',
      message: 'mode none:x: none takes no argument',
    });
    expect(refused({ mode: 'ns:relative' })).toMatchObject({ code: 'mode.unknown' });
    expect(refused({ mode: 'ns' })).toMatchObject({ code: 'mode.unknown' });
    expect(refused({ mode: 'ns:/tmp/\0x' })).toMatchObject({ code: 'mode.unknown' });
    expect(refused({ mode: 'container:no spaces' })).toMatchObject({ code: 'id.invalid' });
    expect(refused({ mode: 'container' })).toMatchObject({ code: 'id.invalid' });
  });

  it('B04 a container cannot share its own namespace', () => {
    expect(refused({ mode: 'container:web' })).toMatchObject({ code: 'netns.cycle' });
  });

  it.each([
    [{ mode: 'none', networks: [{ network: 'demo' }] }, 'mode none takes no networks'],
    [{ mode: 'container:db', networks: [{ network: 'demo' }] }, 'mode container:db takes no networks'],
    [
      { mode: 'none', ports: [{ containerPort: 80 }] },
      'ports can be published only by a container that joins a network',
    ],
    [{ ports: [{ containerPort: 80 }] }, 'ports can be published only by a container that joins a network'],
    [
      { mode: 'container:db', ports: [{ containerPort: 80 }] },
      'ports can be published only by a container that joins a network',
    ],
  ])('A01 contradictory wishes are refused: %j', (request, message) => {
    expect(refused(request)).toEqual({ code: 'mode.conflict', message });
  });

  it.each(['ns:/run/netns/blue', 'bridge'])('A01 mode %s joins networks and publishes ports', (mode) => {
    const wish = wishOf({ mode, networks: [{ network: 'demo' }], ports: [{ containerPort: 80 }] });
    expect([wish.attachments, wish.ports]).toMatchObject([[{ network: 'demo' }], [{ containerPort: 80 }]]);
  });

  it('A01 a mode cannot both make and adopt a namespace: a PID belongs to bridge and none', () => {
    expect(refused({ mode: 'ns:/run/netns/blue', pid: 42 })).toMatchObject({ code: 'mode.conflict' });
    expect(refused({ mode: 'container:db', pid: 42 })).toMatchObject({ code: 'mode.conflict' });
  });
});

describe('A02 interface names', () => {
  it('A02 interface names are given in the order of the networks', () => {
    expect(names({ network: 'a' }, { network: 'b' }, { network: 'c' })).toEqual(['a eth0', 'b eth1', 'c eth2']);
  });

  it('A02 interface names that are requested are not given to another interface, in any order', () => {
    expect(names({ network: 'a' }, { network: 'b', interfaceName: 'eth0' }, { network: 'c' })).toEqual([
      'a eth1',
      'b eth0',
      'c eth2',
    ]);
  });

  it('A02 interface names are refused when requested twice, as is a network listed twice', () => {
    const eth9 = { interfaceName: 'eth9' };
    expect(
      refused({
        networks: [
          { network: 'a', ...eth9 },
          { network: 'b', ...eth9 },
        ],
      }),
    ).toEqual({
      code: 'payload.invalid',
      message: 'interface name eth9 is asked for twice',
    });
    expect(refused({ networks: [{ network: 'a' }, { network: 'a' }] })).toEqual({
      code: 'payload.invalid',
      message: 'network a is named twice',
    });
  });

  it.each(['lo', 'all', 'default', '.', 'a:b', 'a/b', 'a b', 'longer-than-fifteen', ''])(
    'A02 interface names that are invalid for an interface are refused by the schema: %j',
    (interfaceName) => {
      const request = { id: 'web', networks: [{ network: 'a', interfaceName }] };
      expect(containerRequestSchema.safeParse(request).success).toBe(false);
    },
  );
});

describe("P18 an engine's data about a container", () => {
  const parsed = (request: object) => containerRequestSchema.safeParse({ id: 'web', ...request });
  const many = (count: number, value = '') =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, value]));

  it("P18 an engine's wish has labels, owner and deadline as parts of the wish", () => {
    const said = { labels: { app: 'shop', empty: '', 'a.b/c': 'x=y' }, owner: 'podman', startWithinMs: 30_000 };
    expect(wishOf(said)).toMatchObject(said);
    for (const none of [{}, { labels: null, owner: null, startWithinMs: null }, { labels: {} }])
      for (const field of ['labels', 'owner', 'startWithinMs']) expect(wishOf(none)).not.toHaveProperty(field);
  });

  it.each([
    ['256 labels', { labels: many(256) }],
    ['a key of 256 characters', { labels: { ['k'.repeat(256)]: '' } }],
    ['64 KiB in all', { labels: { k: 'v'.repeat(64 * 1024 - 1) } }],
    ['an owner in another script', { owner: 'движок 1' }],
    ['a deadline of 1 ms', { startWithinMs: 1 }],
  ])("P18 an engine's wish accepts %s", (_, request) => expect(parsed(request).success).toBe(true));

  it.each([
    ['257 labels', { labels: many(257) }],
    ['an empty key', { labels: { '': 'x' } }],
    ['a key with =', { labels: { 'a=b': 'x' } }],
    ['a key of 257 characters', { labels: { ['k'.repeat(257)]: '' } }],
    ['more than 64 KiB', { labels: many(17, 'v'.repeat(4096)) }],
    ['a value that is no text', { labels: { a: 1 } }],
    ['an empty owner', { owner: '' }],
    ['an owner of two lines', { owner: 'a\nb' }],
    ['an owner of 129 characters', { owner: 'x'.repeat(129) }],
    ['a deadline of 0 ms', { startWithinMs: 0 }],
    ['a deadline of more than a year', { startWithinMs: 367 * 86_400_000 }],
    ['a deadline that is no whole number', { startWithinMs: 0.5 }],
  ])("P18 an engine's wish refuses %s", (_, request) => expect(parsed(request).success).toBe(false));
});

describe('the attachment of a container to a network', () => {
  it('A03 an attachment always has the short ID as an alias, once', () => {
    const id = '0123456789abcdef';
    const aliases = (request: string[]) =>
      wishOf({ id, networks: [{ network: 'a', aliases: request }] }).attachments[0]?.aliases;
    expect(aliases([])).toEqual(['0123456789ab']);
    expect(aliases(['db', '0123456789ab', 'db'])).toEqual(['db', '0123456789ab']);
  });

  it('A04 an attachment has static addresses of both families and a MAC per network, in canonical form', () => {
    const [attachment] = wishOf({
      networks: [{ network: 'a', staticIps: ['10.0.0.9', 'FD00::0009'], staticMac: '02:AA:00:00:00:01' }],
    }).attachments;
    expect(attachment).toMatchObject({ staticIps: ['10.0.0.9', 'fd00::9'], staticMac: '02:aa:00:00:00:01' });
    expect(refused({ networks: [{ network: 'a', staticIps: ['10.0.0'] }] })).toMatchObject({
      code: 'address.invalid',
      message: '10.0.0 is not an IP address',
    });
  });

  it.each([
    { id: '.dot' },
    { id: 'no*stars' },
    { id: '' },
    { id: 'x'.repeat(251) },
    { id: 'ok', networks: [{ network: 'no/slash' }] },
    { id: 'ok', networks: [{ network: 'a', staticMac: '02:00' }] },
    { id: 'ok', networks: [{ network: 'a', staticMac: '01:00:5e:00:00:01' }] },
    { id: 'ok', networks: [{ network: 'a', staticMac: '00:00:00:00:00:00' }] },
    { id: 'ok', pid: 0 },
  ])('an attachment is refused by its schema: %j', (request) => {
    expect(containerRequestSchema.safeParse(request).success).toBe(false);
  });

  const joining = (aliases: string[], definition?: object) =>
    containerWish(
      containerRequestSchema.parse({
        id: 'web',
        networks: [{ network: 'pod1', aliases, ...(definition && { definition }) }],
      }),
    );

  it('N15 an attachment has aliases without the final dot of a full name', () => {
    expect(joining(['trail.example.com.', 'shop'])).toMatchObject({
      attachments: [{ aliases: ['trail.example.com', 'shop', 'web'] }],
    });
  });

  it.each(['', '.', 'a b', '*', 'x'.repeat(64)])(
    'N15 an attachment is refused with the alias %j, unless an engine brings it',
    (alias) => {
      expect(joining(['shop', alias])).toMatchObject({
        code: 'name.invalid',
        message: expect.stringContaining('alias'),
      });
      const definition = fileOf(definitionOf({ name: 'pod1' }));
      expect(joining([alias], definition)).toMatchObject({ attachments: [{ network: 'pod1' }] });
    },
  );

  it('an attachment drops unknown fields without a refusal', () => {
    expect(containerRequestSchema.parse({ id: 'web', colour: 'blue' })).toEqual({ id: 'web' });
  });
});
