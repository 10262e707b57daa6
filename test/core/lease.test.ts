import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/core/fault.ts';
import { chooseAddresses, type Leases, picked } from '../../src/core/lease/addresses.ts';
import { firstOfFamily, type LeasedAddress, leaseOf, leaseRefusal } from '../../src/core/lease/lease.ts';
import { type GivenMacs, withGivenMacs } from '../../src/core/lease/mac-addresses.ts';
import { defaultNetworkWish } from '../../src/core/network/default.ts';
import type { NetworkDefinition } from '../../src/core/network/definition.ts';
import type { NetworkRequest } from '../../src/core/network/request.ts';
import { macOfAddress, macOfContainer } from '../../src/core/object-names.ts';
import { definitionOf } from './samples.ts';

type Subnets = NonNullable<NetworkRequest['subnets']>;
interface Ask {
  subnets?: Subnets;
  leases?: Leases;
  lastGiven?: Record<string, string>;
  staticIps?: string[];
  hostsOwn?: string[];
}

const choose = ({
  subnets = [{ subnet: '10.0.0.0/24' }],
  leases = {},
  lastGiven = {},
  staticIps = [],
  hostsOwn = [],
}: Ask) => chooseAddresses(definitionOf({ subnets }), leases, lastGiven, staticIps, null, hostsOwn);
const chosen = (ask: Ask): string[] => {
  const addresses = choose(ask);
  if ('code' in addresses) throw new Error(addresses.message);
  return addresses.map(({ address }) => address);
};
const refused = (ask: Ask): Fault => {
  const addresses = choose(ask);
  if (!('code' in addresses)) throw new Error('accepted');
  return addresses;
};
const tiny = [{ subnet: '10.0.0.0/29' }];

describe('automatic addresses', () => {
  it('automatic addresses start behind the gateway, one per subnet', () => {
    expect(choose({ subnets: [{ subnet: '10.0.0.0/24' }, { subnet: 'fd00::/64' }] })).toEqual([
      { address: '10.0.0.2', prefixLength: 24, gateway: '10.0.0.1' },
      { address: 'fd00::2', prefixLength: 64, gateway: 'fd00::1' },
    ]);
  });

  it('automatic addresses are not those of other containers', () => {
    expect(chosen({ leases: { a: ['10.0.0.2'], b: ['10.0.0.3'] } })).toEqual(['10.0.0.4']);
  });

  it("N12 automatic addresses are neither the host's own nor static ones", () => {
    expect(chosen({ hostsOwn: ['10.0.0.2', '10.0.0.4'], leases: { a: ['10.0.0.3'] } })).toEqual(['10.0.0.5']);
    expect(refused({ hostsOwn: ['10.0.0.2'], staticIps: ['10.0.0.2'] })).toEqual({
      code: 'address.taken',
      message: "address 10.0.0.2 is this host's own",
    });
  });

  it('automatic addresses are not given again at once after they became free', () => {
    expect(chosen({ lastGiven: { '10.0.0.0/24': '10.0.0.7' } })).toEqual(['10.0.0.8']);
  });

  it('automatic addresses start over when the end is reached, and skip taken ones', () => {
    expect(chosen({ subnets: tiny, lastGiven: { '10.0.0.0/29': '10.0.0.6' } })).toEqual(['10.0.0.2']);
    expect(
      chosen({ subnets: tiny, lastGiven: { '10.0.0.0/29': '10.0.0.5' }, leases: { a: ['10.0.0.6'], b: ['10.0.0.2'] } }),
    ).toEqual(['10.0.0.3']);
  });

  it('automatic addresses may be the last given one, when it is the only free one', () => {
    const leases = { a: ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.6'] };
    expect(chosen({ subnets: tiny, leases, lastGiven: { '10.0.0.0/29': '10.0.0.5' } })).toEqual(['10.0.0.5']);
  });

  it('automatic addresses run out: the gateway, the network and the broadcast address are never given', () => {
    const leases = { a: ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'] };
    expect(refused({ subnets: tiny, leases })).toEqual({
      code: 'address.exhausted',
      message: 'network demo has no free address left in 10.0.0.0/29',
    });
  });

  it('automatic addresses come only from the lease range', () => {
    const subnets = [{ subnet: '10.0.0.0/24', lease_range: { start_ip: '10.0.0.100', end_ip: '10.0.0.101' } }];
    expect(chosen({ subnets })).toEqual(['10.0.0.100']);
    expect(chosen({ subnets, leases: { a: ['10.0.0.100'] } })).toEqual(['10.0.0.101']);
    expect(refused({ subnets, leases: { a: ['10.0.0.100', '10.0.0.101'] } })).toMatchObject({
      code: 'address.exhausted',
    });
  });

  it('automatic addresses may come from a lease range with one end', () => {
    expect(chosen({ subnets: [{ subnet: '10.0.0.0/24', lease_range: { start_ip: '10.0.0.100' } }] })).toEqual([
      '10.0.0.100',
    ]);
    expect(chosen({ subnets: [{ subnet: '10.0.0.0/24', lease_range: { end_ip: '10.0.0.100' } }] })).toEqual([
      '10.0.0.2',
    ]);
  });

  it('automatic addresses include the ends of the subnet when the lease range does, where those are host addresses', () => {
    const subnets = [
      { subnet: '10.0.0.0/30', gateway: '10.0.0.2', lease_range: { start_ip: '10.0.0.0', end_ip: '10.0.0.3' } },
    ];
    expect(chosen({ subnets })).toEqual(['10.0.0.1']);
    expect(refused({ subnets, leases: { a: ['10.0.0.1'] } })).toMatchObject({ code: 'address.exhausted' });
  });

  it('automatic addresses use both addresses of a /31, except the gateway', () => {
    expect(chosen({ subnets: [{ subnet: '10.0.0.0/31' }] })).toEqual(['10.0.0.0']);
  });
});

describe('P10 addresses of the default network', () => {
  const { id } = defaultNetworkWish('podman');
  const subnets = [{ subnet: '10.88.0.0/16' }];
  const of = (more: Partial<NetworkDefinition>, leases: Leases = {}, lastGiven = {}, staticIps: string[] = []) => {
    const found = chooseAddresses({ ...definitionOf({ subnets }), id, ...more }, leases, lastGiven, staticIps);
    return 'code' in found ? found.code : found.map(({ address }) => address).join();
  };

  it('P10 addresses of the default network are in the upper half, because podman counts from the lowest one', () => {
    expect(of({})).toBe('10.88.128.1');
    expect(of({}, { c1: ['10.88.128.1'], podmans: ['10.88.0.2'] }, { '10.88.0.0/16': '10.88.128.1' })).toBe(
      '10.88.128.2',
    );
    expect(of({}, {}, { '10.88.0.0/16': '10.88.255.254' })).toBe('10.88.128.1');
  });

  it('P10 addresses of the default network may be any static one, or come from a lease range', () => {
    expect(of({}, {}, {}, ['10.88.0.9'])).toBe('10.88.0.9');
    const lease_range = { start_ip: '10.88.3.1', end_ip: '10.88.3.9' };
    expect(of({ subnets: [{ subnet: '10.88.0.0/16', gateway: '10.88.0.1', lease_range }] })).toBe('10.88.3.1');
  });

  it('P10 addresses of the default network are in the lower half when the upper one is full', () => {
    const small = { subnets: [{ subnet: '10.88.0.0/30', gateway: '10.88.0.1' }] };
    expect(of(small)).toBe('10.88.0.2');
    expect(of(small, { c1: ['10.88.0.2'] })).toBe('address.exhausted');
  });
});

describe('A04 static addresses', () => {
  it('A04 static addresses are given as requested, in each family; the other family stays automatic', () => {
    const subnets = [{ subnet: '10.0.0.0/24' }, { subnet: 'fd00::/64' }];
    expect(chosen({ subnets, staticIps: ['fd00::77', '10.0.0.99'] })).toEqual(['10.0.0.99', 'fd00::77']);
    expect(chosen({ subnets, staticIps: ['fd00::77'] })).toEqual(['10.0.0.2', 'fd00::77']);
  });

  it('C14 static addresses may be several of one subnet, in the order of the request; another subnet stays automatic', () => {
    const subnets = [{ subnet: '10.0.0.0/24' }, { subnet: 'fd00::/64' }];
    expect(chosen({ subnets, staticIps: ['10.0.0.99', '10.0.0.7'] })).toEqual(['10.0.0.99', '10.0.0.7', 'fd00::2']);
    expect(chosen({ subnets, staticIps: ['fd00::7', '10.0.0.9', 'fd00::3'] })).toEqual([
      '10.0.0.9',
      'fd00::7',
      'fd00::3',
    ]);
  });

  it('C14 static addresses do not change which picked address is remembered as the last one', () => {
    const definition = definitionOf({ subnets: [{ subnet: '10.0.0.0/24' }, { subnet: 'fd00::/64' }] });
    const addresses = ['10.0.0.99', '10.0.0.7', 'fd00::2'];
    expect(picked(definition, addresses, ['10.0.0.99', '10.0.0.7'])).toEqual({ 'fd00::/64': 'fd00::2' });
    expect(picked(definition, addresses, addresses)).toEqual({});
  });

  it('A04 static addresses may be outside the lease range, which is for automatic ones', () => {
    const subnets = [{ subnet: '10.0.0.0/24', lease_range: { start_ip: '10.0.0.100' } }];
    expect(chosen({ subnets, staticIps: ['10.0.0.5'] })).toEqual(['10.0.0.5']);
  });

  it.each([
    [['10.0.1.5'], 'address.outside-subnet', 'address 10.0.1.5 is in no subnet of network demo (10.0.0.0/24)'],
    [['10.0.0.5'], 'address.taken', 'address 10.0.0.5 is leased to container db'],
    [['10.0.0.1'], 'address.taken', 'address 10.0.0.1 is the gateway'],
    [['10.0.0.0'], 'address.invalid', 'address 10.0.0.0 is the network or broadcast address of 10.0.0.0/24'],
    [['10.0.0.255'], 'address.invalid', 'address 10.0.0.255 is the network or broadcast address of 10.0.0.0/24'],
    [['10.0.0.6', '10.0.0.5'], 'address.taken', 'address 10.0.0.5 is leased to container db'],
  ])('A04 static addresses %j: %s', (staticIps, code, message) => {
    expect(refused({ staticIps, leases: { db: ['10.0.0.5'] } })).toEqual({ code, message });
  });

  it('A04 static addresses may be the highest address of an IPv6 subnet, which is a host address', () => {
    expect(chosen({ subnets: [{ subnet: 'fd00::/64' }], staticIps: ['fd00::ffff:ffff:ffff:ffff'] })).toHaveLength(1);
    expect(refused({ subnets: [{ subnet: 'fd00::/64' }], staticIps: ['fd00::'] })).toMatchObject({
      code: 'address.invalid',
    });
  });
});

describe('the first address of a family', () => {
  it('the first address of a family follows the order of attachment', () => {
    const addresses = choose({
      subnets: [{ subnet: 'fd00::/64' }, { subnet: '10.0.0.0/24' }, { subnet: '10.0.1.0/24' }],
    });
    if ('code' in addresses) throw new Error();
    expect(firstOfFamily(addresses, 4)?.address).toBe('10.0.0.2');
    expect(firstOfFamily(addresses, 6)?.address).toBe('fd00::2');
    expect(firstOfFamily([], 6)).toBeNull();
  });
});

describe('MAC addresses', () => {
  const v4 = (last: number): LeasedAddress => ({ address: `10.0.0.${last}`, prefixLength: 24, gateway: null });
  const v6 = (last: number): LeasedAddress => ({ address: `fd00::${last}`, prefixLength: 64, gateway: null });
  const device = {
    name: 'dev0',
    mtuBytes: 1500,
    addresses: [],
    names: null,
    macAddress: '02:00:00:00:00:dd',
    routesLoopback: false,
  };
  const ours = definitionOf();
  const unmanaged = definitionOf({ network_interface: 'br7', options: { mode: 'unmanaged' } }, 'br7');
  const macvlan = (mode: string) => definitionOf({ driver: 'macvlan', network_interface: 'up0', options: { mode } });
  const ipvlan = definitionOf({ driver: 'ipvlan', network_interface: 'up0' });

  function lease(
    addresses: LeasedAddress[],
    {
      definition = ours,
      container = 'web',
      node = 'host1' as string | null,
      staticMac = null as string | null,
      macs = {} as GivenMacs,
    } = {},
  ) {
    return leaseOf(definition, device, 'dns.netloom', { container, node, addresses, staticMac, attempt: 1 }, macs);
  }
  /** Returns what the last of several leases announces; each is given after the end of the one before. */
  const announcedAfter = (...lessees: [addresses: LeasedAddress[], staticMac?: string][]) => {
    let macs: GivenMacs = {};
    let announced: string[] | undefined;
    for (const [addresses, staticMac = null] of lessees) {
      const given = lease(addresses, { staticMac, macs });
      announced = given.announced;
      macs = withGivenMacs(macs, given);
    }
    return announced ?? [];
  };

  it('N02 MAC addresses follow from the network and the first IPv4 address, else from the first IPv6 address', () => {
    expect(lease([v6(2), v4(2)]).macAddress).toBe(macOfAddress('demo', '10.0.0.2'));
    expect(lease([v6(2)]).macAddress).toBe(macOfAddress('demo', 'fd00::2'));
    expect(lease([v4(2)], { container: 'other' }).macAddress).toBe(lease([v4(2)]).macAddress);
    expect(lease([v4(3)]).macAddress).not.toBe(lease([v4(2)]).macAddress);
    expect(macOfAddress('back', '10.0.0.2')).not.toBe(macOfAddress('demo', '10.0.0.2'));
  });

  it('N02 MAC addresses follow from the container without an address', () => {
    expect(lease([]).macAddress).toBe(macOfContainer('web', 'demo', 'host1'));
    expect(lease([], { container: 'other' }).macAddress).not.toBe(lease([]).macAddress);
  });

  it('C13 MAC addresses differ between two hosts of one LAN that have a container of the same name', () => {
    expect(lease([], { node: 'host2' }).macAddress).not.toBe(lease([]).macAddress);
    expect(lease([v4(2)], { node: 'host2' }).macAddress).toBe(lease([v4(2)]).macAddress);
    expect(lease([], { node: null }).macAddress).toBe(macOfContainer('web', 'demo', null));
  });

  it('N02 MAC addresses are the requested ones if there are any', () => {
    expect(lease([v4(2)], { staticMac: '02:00:00:00:00:05' }).macAddress).toBe('02:00:00:00:00:05');
  });

  it('N02 MAC addresses are those of the parent where the kernel sets them so', () => {
    for (const definition of [ipvlan, macvlan('passthru')])
      expect(lease([v4(2)], { definition, staticMac: '02:00:00:00:00:05' }).macAddress).toBe(device.macAddress);
    expect(lease([v4(2)], { definition: macvlan('bridge') }).macAddress).toBe(macOfAddress('demo', '10.0.0.2'));
  });

  it("N02 MAC addresses are announced on netloom's bridges only for an address that had another one before", () => {
    expect(announcedAfter([[v4(2), v6(2)]])).toEqual([]);
    expect(announcedAfter([[v4(2), v6(2)]], [[v4(2), v6(2)]])).toEqual([]);
    expect(announcedAfter([[v4(2), v6(2)]], [[v4(3), v6(2)]])).toEqual(['fd00::2']);
    expect(announcedAfter([[v4(2)]], [[v4(2)], '02:00:00:00:00:05'])).toEqual(['10.0.0.2']);
    expect(announcedAfter([[v4(2)], '02:00:00:00:00:05'], [[v4(2)]])).toEqual(['10.0.0.2']);
    expect(announcedAfter([[v4(2)], '02:00:00:00:00:05'], [[v4(2)], '02:00:00:00:00:05'])).toEqual([]);
    expect(announcedAfter([[v4(2)], '02:00:00:00:00:05'], [[v4(2)]], [[v4(2)]])).toEqual([]);
  });

  it('C14 MAC addresses follow from the first of several addresses; the others are announced unless they had it before', () => {
    expect(lease([v4(5), v4(4)]).macAddress).toBe(macOfAddress('demo', '10.0.0.5'));
    expect(announcedAfter([[v4(5), v4(4)]])).toEqual(['10.0.0.4']);
    expect(announcedAfter([[v4(5), v4(4)]], [[v4(5), v4(4)]])).toEqual([]);
    expect(announcedAfter([[v4(4)]], [[v4(5), v4(4)]])).toEqual(['10.0.0.4']);
    expect(announcedAfter([[v4(5), v4(4)]], [[v4(4)]])).toEqual(['10.0.0.4']);
    expect(announcedAfter([[v4(5), v4(4), v6(2)]], [[v4(4), v4(5), v6(2)]])).toEqual([
      '10.0.0.4',
      '10.0.0.5',
      'fd00::2',
    ]);
  });

  it('N02 MAC addresses are always announced where neighbours may be unknown to netloom', () => {
    for (const definition of [unmanaged, macvlan('bridge'), ipvlan])
      expect(lease([v4(2), v6(2)], { definition }).announced).toEqual(['10.0.0.2', 'fd00::2']);
  });

  it('N02 MAC addresses that follow from their addresses need no record', () => {
    const given = lease([v4(2)], { staticMac: '02:00:00:00:00:05' });
    const macs = withGivenMacs({}, given);
    expect({ ...macs }).toEqual({ '10.0.0.2': '02:00:00:00:00:05' });
    expect({ ...withGivenMacs(macs, lease([v4(2)], { macs })) }).toEqual({});
  });
});

describe('a network is closed to containers', () => {
  const upon = (driver: 'macvlan' | 'ipvlan', mtu?: string) =>
    definitionOf({ driver, network_interface: 'up0', ...(mtu && { options: { mtu } }) });
  const up0 = { name: 'up0', mtuBytes: 1500, addresses: [], names: null, routesLoopback: false };

  it("N17 a network is closed to containers when its MTU is larger than its parent's, and the refusal has both", () => {
    for (const driver of ['macvlan', 'ipvlan'] as const)
      expect(leaseRefusal(upon(driver, '9000'), up0)).toEqual({
        code: 'mtu.too-large',
        message: "network demo: mtu 9000 exceeds the parent's MTU (1500 on up0)",
      });
  });

  it("N17 a network is closed to containers except when its MTU fits, is the parent's or unknown, or the network is a bridge", () => {
    expect(leaseRefusal(upon('macvlan', '1500'), up0)).toBeNull();
    expect(leaseRefusal(upon('ipvlan'), up0)).toBeNull();
    expect(leaseRefusal(upon('macvlan', '9000'), null)).toBeNull();
    expect(leaseRefusal(definitionOf({ options: { mtu: '9000' } }), up0)).toBeNull();
  });

  it('N17 a network is closed to containers when it has IPv6 subnets, and too small an MTU for them', () => {
    const six = (mtu?: string) =>
      definitionOf({
        driver: 'macvlan',
        network_interface: 'up0',
        subnets: [{ subnet: 'fd00::/64' }],
        ...(mtu && { options: { mtu } }),
      });
    expect(leaseRefusal(six(), { ...up0, mtuBytes: 1200 })).toEqual({
      code: 'mtu.too-small',
      message: 'network demo: IPv6 needs an MTU of 1280, and up0 has 1200',
    });
    expect(leaseRefusal(six(), { ...up0, mtuBytes: 1280 })).toBeNull();
    expect(leaseRefusal(upon('macvlan'), { ...up0, mtuBytes: 1200 })).toBeNull();
  });

  it('a network is closed to containers when an option has an invalid value', () => {
    const definition = { ...definitionOf(), options: { isolate: 'maybe', new_in_podman: 'x' } };
    expect(leaseRefusal(definition, null)).toEqual({
      code: 'network.damaged',
      message: 'network demo: option isolate=maybe: isolate must be true, false, strict, 0 or 1',
    });
  });
});

describe('addresses of a network whose DHCP server gives them', () => {
  const lan = definitionOf({
    driver: 'macvlan',
    network_interface: 'eth0',
    subnets: null,
    ipam_options: { driver: 'dhcp' },
  });

  it('C13 addresses from DHCP are absent from the lease, and a static one is refused with an explanation', () => {
    expect(chooseAddresses(lan, {}, {}, [])).toEqual([]);
    expect(chooseAddresses(lan, {}, {}, ['192.0.2.7'])).toMatchObject({
      code: 'address.outside-subnet',
      message: expect.stringContaining('by MAC address'),
    });
    expect(chooseAddresses(lan, {}, {}, ['fd00::7'])).toMatchObject({
      code: 'mode.unsupported',
      message: expect.stringContaining('DHCPv6 is not supported'),
    });
  });

  it("C13 addresses from DHCP arrive with the claim that they are for, and the MAC address is the container's own", () => {
    const device = { name: 'eth0', mtuBytes: 1500, addresses: [], routesLoopback: false, names: null };
    const lessee = { container: 'web', node: 'host1', addresses: [], staticMac: null, attempt: 7 };
    const lease = leaseOf(lan, device, 'dns.netloom', lessee, {});
    expect(lease).toMatchObject({
      dhcp: { attempt: 7, terms: null },
      macAddress: macOfContainer('web', lan.name, 'host1'),
      dns: null,
    });
  });
});
