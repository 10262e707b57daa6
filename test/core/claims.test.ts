import { describe, expect, it } from 'vitest';
import {
  giveBackPorts,
  grantPorts,
  grantSubnets,
  type PortLedger,
  portConflict,
  type SubnetClaim,
  type SubnetLedger,
} from '../../src/core/claims.ts';
import type { GrantedPort, PublishedPort } from '../../src/core/port.ts';

const port = (hostPort: number, more: Partial<PublishedPort> = {}): PublishedPort => ({
  protocol: 'tcp',
  hostIp: null,
  hostPort,
  containerPort: 80,
  range: 1,
  ...more,
});

describe('A09 claims of ports', () => {
  const ledger = { db: [port(8000, { range: 10 }), port(53, { protocol: 'udp' })] };

  it('A09 claims of ports conflict with ports of another container, and name both', () => {
    expect(portConflict(ledger, 'web', [port(443), port(8009, { hostIp: '127.0.0.1' })])).toEqual({
      code: 'port.taken',
      message: '127.0.0.1:8009->80/tcp: container db publishes 8000-8009->80-89/tcp',
    });
  });

  it('A09 claims of ports pass beside different ports of other containers', () => {
    expect(portConflict(ledger, 'web', [port(8010), port(53), port(0)])).toBeNull();
  });

  it('A09 claims of ports do not conflict with ports that the container itself holds', () => {
    expect(portConflict(ledger, 'db', [port(8000)])).toBeNull();
  });
});

describe('C03 claims of ports that engines have bound', () => {
  const held = (hostIp: string | null, more: Partial<GrantedPort> = {}): GrantedPort => ({
    ...port(8080, { hostIp, ...more }),
    heldByCaller: true,
  });
  const sctp = { protocol: 'sctp' } as const;

  // for every address podman binds only IPv4, and it does not bind SCTP at all
  it.each<[GrantedPort, GrantedPort, number[] | 'refused']>([
    [held(null), held('::'), [6]],
    [held('::'), held(null), [6]],
    [held(null), held('fd00::9'), [6]],
    [held(null, sctp), held(null, sctp), [4, 6]],
    [held('10.0.0.1', sctp), held('10.0.0.2', sctp), []],
    [held(null), held(null), 'refused'],
    [held(null), held('0.0.0.0'), 'refused'],
    [held('::'), held('::'), 'refused'],
    [port(8080, { hostIp: '::' }), held(null), [6]],
    [port(8080), held(null), 'refused'],
    // a port that netloom binds itself is exclusive
    [held(null), port(8080, { hostIp: '::' }), 'refused'],
  ])('C03 a claim of bound ports meets another: %j, then %j: %j', (first, second, expected) => {
    const ledger = { db: [first] };
    const conflict = portConflict(ledger, 'web', [second]);
    if (expected === 'refused') expect(conflict).toMatchObject({ code: 'port.taken' });
    else {
      expect(conflict).toBeNull();
      expect(grantPorts(ledger, 'web', [second])[0]?.without ?? []).toEqual(expected);
    }
  });

  it('C03 claims of bound ports get a released family back: each of the waiting containers what the ones before leave', () => {
    const given = (ledger: PortLedger) => giveBackPorts(ledger, [held(null)]);
    const waiting = {
      six: [held('::', { without: [6] })],
      both: [held(null, { without: [6] }), held(null, { hostPort: 81 })],
    };
    expect(given(waiting).freed).toEqual({ six: [held('::')] });
    expect({ ...given(waiting).ledger }).toEqual({ ...waiting, six: [held('::')] });
    expect(given({ both: waiting.both }).freed).toEqual({ both: [held(null)] });
    expect({ ...given({ both: waiting.both }).ledger }).toEqual({ both: [held(null), held(null, { hostPort: 81 })] });
    const another = { ...waiting, third: [held('::')] };
    expect(given(another)).toEqual({ ledger: another, freed: {} });
    expect(giveBackPorts(waiting, [held('::', { hostPort: 9000 })]).freed).toEqual({});
  });

  it('C03 claims of bound ports do not count a family that was left to another container', () => {
    const ledger = { db: [held('::')], web: [held(null, { without: [6] })] };
    expect(grantPorts(ledger, 'third', [held('fd00::9', { hostPort: 8081 })])[0]).not.toHaveProperty('without');
    expect(portConflict({ web: ledger.web }, 'third', [port(8080, { hostIp: '::' })])).toBeNull();
  });
});

describe('claims of subnets', () => {
  const survey = {
    connected: [{ destination: '192.168.1.0/24', link: 'eth0' }],
    routes: [{ destination: '0.0.0.0/0', link: 'eth0' }],
    linkNames: ['lo', 'eth0'],
    bridges: [],
  };
  const ledger: SubnetLedger = {
    blue: { bridge: 'netloom0', subnets: [{ subnet: '10.89.0.0/24', gateway: '10.89.0.1' }] },
  };
  const claim = (more: Partial<SubnetClaim> = {}): SubnetClaim => ({
    network: 'demo',
    bridge: null,
    sharesLink: false,
    subnets: [],
    automatic: [],
    ...more,
  });
  const subnets = (...texts: string[]) => texts.map((subnet) => ({ subnet, gateway: 'unused' }));

  it('claims of subnets get the first free bridge name and the first free subnets', () => {
    expect(grantSubnets(ledger, survey, claim({ automatic: [4, 6] }))).toEqual({
      bridge: 'netloom1',
      subnets: [
        { subnet: '10.89.1.0/24', gateway: '10.89.1.1' },
        { subnet: 'fd4e:6c6d:6f6f::/64', gateway: 'fd4e:6c6d:6f6f::1' },
      ],
    });
  });

  it("claims of subnets avoid the names of the host's links", () => {
    const busy = { ...survey, linkNames: ['lo', 'netloom0', 'netloom1'] };
    expect(grantSubnets({}, busy, claim())).toMatchObject({ bridge: 'netloom2' });
    expect(grantSubnets({}, busy, claim({ bridge: 'netloom1' }))).toEqual({
      code: 'link.exists',
      message: 'this host already has an interface netloom1',
    });
  });

  it('claims of subnets do not share a bridge', () => {
    expect(grantSubnets(ledger, survey, claim({ bridge: 'netloom0' }))).toEqual({
      code: 'link.exists',
      message: 'interface netloom0 belongs to network blue',
    });
  });

  it("C11 claims of subnets of an unmanaged network may share a foreign bridge, and none of netloom's", () => {
    const host = { ...survey, linkNames: [...survey.linkNames, 'netloom0', 'virbr0'], bridges: ['netloom0', 'virbr0'] };
    const unmanaged = (bridge: string, networks = ledger) =>
      grantSubnets(networks, host, claim({ bridge, sharesLink: true, needsBridge: true }));
    expect(unmanaged('virbr0')).toEqual({ bridge: 'virbr0', subnets: [] });
    expect(unmanaged('virbr0', { lan: { bridge: 'virbr0', sharesLink: true, subnets: [] } })).toMatchObject({
      bridge: 'virbr0',
    });
    expect(unmanaged('netloom0')).toEqual({
      code: 'link.exists',
      message: 'interface netloom0 belongs to network blue',
    });
    expect(unmanaged('eth0')).toEqual({
      code: 'mode.unsupported',
      message: 'interface eth0 is not a bridge; an unmanaged network needs one',
    });
    expect(unmanaged('eth7')).toEqual({ code: 'link.unknown', message: 'this host has no interface eth7' });
    // a macvlan upon it is lost with it, and that is noticed (C10)
    expect(grantSubnets(ledger, host, claim({ bridge: 'netloom0', sharesLink: true }))).toMatchObject({
      bridge: 'netloom0',
    });
  });

  it('claims of subnets are refused when they overlap another network, with its name', () => {
    expect(grantSubnets(ledger, survey, claim({ subnets: subnets('10.89.0.128/25') }))).toEqual({
      code: 'subnet.taken',
      message: 'subnet 10.89.0.128/25 overlaps 10.89.0.0/24 of network blue',
    });
  });

  it('claims of subnets are refused when they overlap a route of the host, with that route', () => {
    expect(grantSubnets({}, survey, claim({ subnets: subnets('192.168.0.0/16') }))).toEqual({
      code: 'subnet.taken',
      message: "subnet 192.168.0.0/16 overlaps the host's route to 192.168.1.0/24 by eth0",
    });
  });

  it('claims of subnets ignore the default route', () => {
    expect(grantSubnets({}, survey, claim({ subnets: subnets('10.77.0.0/24') }))).toMatchObject({ bridge: 'netloom0' });
  });

  it('claims of subnets pick automatic subnets that avoid the requested ones of the same claim', () => {
    const granted = grantSubnets({}, survey, claim({ subnets: subnets('10.89.0.0/24'), automatic: [4] }));
    expect(granted).toMatchObject({ subnets: [{ subnet: '10.89.0.0/24' }, { subnet: '10.89.1.0/24' }] });
  });

  it('claims of subnets fail when the pools are exhausted', () => {
    expect(
      grantSubnets(
        {},
        { ...survey, connected: [{ destination: '10.0.0.0/8', link: 'eth0' }] },
        claim({ automatic: [4] }),
      ),
    ).toEqual({
      code: 'subnet.exhausted',
      message: 'no free IPv4 subnet is left in the pools',
    });
  });

  it('N05 claims of subnets within a wide route of the host are accepted, because the narrower route wins', () => {
    const vpn = [
      { destination: '0.0.0.0/1', link: 'tun0' },
      { destination: '128.0.0.0/1', link: 'tun0' },
      { destination: '::/1', link: 'tun0' },
      { destination: 'fc00::/7', link: 'tun0' },
    ];
    const beside = { ...survey, routes: [...survey.routes, ...vpn] };
    const asked = subnets('172.30.5.0/24', 'fd00:5::/64');
    expect(grantSubnets({}, beside, claim({ subnets: asked }))).toMatchObject({ subnets: asked });
    expect(grantSubnets({}, beside, claim({ automatic: [4, 6] }))).toMatchObject({
      subnets: [{ subnet: '10.89.0.0/24' }, { subnet: 'fd4e:6c6d:6f6f::/64' }],
    });
  });

  it('N05 claims of subnets are refused when an equal or narrower route of the host would divert their traffic', () => {
    const beside = { ...survey, routes: [{ destination: '172.30.5.128/25', link: null }] };
    expect(grantSubnets({}, beside, claim({ subnets: subnets('172.30.5.128/25') }))).toMatchObject({
      code: 'subnet.taken',
      message: "subnet 172.30.5.128/25 overlaps the host's route to 172.30.5.128/25",
    });
    expect(grantSubnets({}, beside, claim({ subnets: subnets('172.30.5.0/24') }))).toMatchObject({
      code: 'subnet.taken',
    });
    expect(grantSubnets({}, beside, claim({ subnets: subnets('172.30.5.192/26') }))).toMatchObject({
      bridge: 'netloom0',
    });
  });

  it('N05 claims of subnets avoid the routes of the host when they are picked, narrow ones longer than wide ones', () => {
    const some = {
      ...survey,
      routes: ['10.89.0.0/16', '10.90.0.0/24'].map((destination) => ({ destination, link: 'tun0' })),
    };
    expect(grantSubnets({}, some, claim({ automatic: [4] }))).toMatchObject({ subnets: [{ subnet: '10.90.1.0/24' }] });
    const all = { ...some, routes: [...some.routes, { destination: '10.0.0.0/8', link: 'tun1' }] };
    expect(grantSubnets({}, all, claim({ automatic: [4] }))).toMatchObject({ subnets: [{ subnet: '10.90.1.0/24' }] });
  });

  it("claims of subnets do not conflict with the network's own earlier claim", () => {
    expect(
      grantSubnets(ledger, survey, claim({ network: 'blue', bridge: 'netloom0', subnets: subnets('10.89.0.0/24') })),
    ).toMatchObject({
      bridge: 'netloom0',
    });
  });
});
