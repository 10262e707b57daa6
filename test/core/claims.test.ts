import { describe, expect, it } from 'vitest';
import { grantSubnets, portConflict, type SubnetClaim, type SubnetLedger } from '../../src/core/claims.ts';
import type { PublishedPort } from '../../src/core/port.ts';

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

  it('A09 conflict with what another container publishes, and name both', () => {
    expect(portConflict(ledger, 'web', [port(443), port(8009, { hostIp: '127.0.0.1' })])).toEqual({
      code: 'port.taken',
      message: '127.0.0.1:8009->80/tcp: container db publishes 8000-8009->80-89/tcp',
    });
  });

  it('A09 pass beside what others publish', () => {
    expect(portConflict(ledger, 'web', [port(8010), port(53), port(0)])).toBeNull();
  });

  it('A09 do not conflict with what the container itself holds', () => {
    expect(portConflict(ledger, 'db', [port(8000)])).toBeNull();
  });
});

describe('claims of subnets', () => {
  const survey = {
    routes: [
      { destination: '0.0.0.0/0', link: 'eth0' },
      { destination: '192.168.1.0/24', link: 'eth0' },
    ],
    linkNames: ['lo', 'eth0'],
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

  it('get the first free bridge name and the first free subnets', () => {
    expect(grantSubnets(ledger, survey, claim({ automatic: [4, 6] }))).toEqual({
      bridge: 'netloom1',
      subnets: [
        { subnet: '10.89.1.0/24', gateway: '10.89.1.1' },
        { subnet: 'fd4e:6c6d:6f6f::/64', gateway: 'fd4e:6c6d:6f6f::1' },
      ],
    });
  });

  it("leave the names of the host's links alone", () => {
    const busy = { ...survey, linkNames: ['lo', 'netloom0', 'netloom1'] };
    expect(grantSubnets({}, busy, claim())).toMatchObject({ bridge: 'netloom2' });
    expect(grantSubnets({}, busy, claim({ bridge: 'netloom1' }))).toEqual({
      code: 'link.exists',
      message: 'this host has an interface netloom1 already',
    });
  });

  it('do not share a bridge', () => {
    expect(grantSubnets(ledger, survey, claim({ bridge: 'netloom0' }))).toEqual({
      code: 'link.exists',
      message: 'interface netloom0 belongs to network blue',
    });
  });

  it('that overlap another network are refused, and it is named', () => {
    expect(grantSubnets(ledger, survey, claim({ subnets: subnets('10.89.0.128/25') }))).toEqual({
      code: 'subnet.taken',
      message: 'subnet 10.89.0.128/25 overlaps 10.89.0.0/24 of network blue',
    });
  });

  it('that overlap a route of the host are refused, and the route is named', () => {
    expect(grantSubnets({}, survey, claim({ subnets: subnets('192.168.0.0/16') }))).toEqual({
      code: 'subnet.taken',
      message: "subnet 192.168.0.0/16 overlaps the host's route to 192.168.1.0/24 by eth0",
    });
  });

  it('are not hindered by the default route', () => {
    expect(grantSubnets({}, survey, claim({ subnets: subnets('10.77.0.0/24') }))).toMatchObject({ bridge: 'netloom0' });
  });

  it('leave automatic subnets clear of those asked for in the same breath', () => {
    const granted = grantSubnets({}, survey, claim({ subnets: subnets('10.89.0.0/24'), automatic: [4] }));
    expect(granted).toMatchObject({ subnets: [{ subnet: '10.89.0.0/24' }, { subnet: '10.89.1.0/24' }] });
  });

  it('run out when the pools are taken', () => {
    expect(
      grantSubnets({}, { ...survey, routes: [{ destination: '10.0.0.0/8', link: 'eth0' }] }, claim({ automatic: [4] })),
    ).toEqual({
      code: 'subnet.exhausted',
      message: 'no free IPv4 subnet is left in the pools',
    });
  });

  it('of a network that asks again do not conflict with its own', () => {
    expect(
      grantSubnets(ledger, survey, claim({ network: 'blue', bridge: 'netloom0', subnets: subnets('10.89.0.0/24') })),
    ).toMatchObject({
      bridge: 'netloom0',
    });
  });
});
