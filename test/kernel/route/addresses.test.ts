import { describe, expect, it } from 'vitest';
import { listAddresses, listRoutes, route, sourceAddressFor } from '#native';
import { apply, ip } from '../host.ts';
import { addAddress, addBridge, addRoute, addVeth, deleteAddress, deleteRoute, setLink } from '../requests.ts';
import { type Netns, netnsPairPerTest } from './netns-pair.ts';

let here: Netns;
let there: Netns;
netnsPairPerTest((pair) => {
  ({ here, there } = pair);
});

describe('addresses and routes', () => {
  it('the address and route API adds and deletes addresses of both families', () => {
    apply(here.socket, addBridge('br0'), addAddress('br0', '10.1.0.1/24'), addAddress('br0', 'fd00:1::1/64'));
    const shown = () =>
      ip('address show dev br0', here.path)[0].addr_info.filter(
        (address: { scope: string }) => address.scope === 'global',
      );
    expect(shown()).toEqual([
      expect.objectContaining({ local: '10.1.0.1', prefixlen: 24, broadcast: '10.1.0.255' }),
      expect.objectContaining({ local: 'fd00:1::1', prefixlen: 64, nodad: true }),
    ]);
    apply(here.socket, deleteAddress('br0', '10.1.0.1/24'), deleteAddress('br0', 'fd00:1::1/64'));
    expect(listAddresses(here.socket).filter((address) => address.scope === 'global')).toEqual([]);
  });

  it('the address and route API gives no broadcast address where the subnet has none', () => {
    apply(here.socket, addBridge('br0'), addAddress('br0', '10.1.0.1/31'), addAddress('br0', '10.2.0.1/32'));
    for (const address of ip('-4 address show dev br0', here.path)[0].addr_info) {
      expect(address.broadcast).toBeUndefined();
    }
  });

  it('the address and route API adds and deletes routes of both families, with gateway, device and metric', () => {
    apply(
      here.socket,
      addBridge('br0'),
      addAddress('br0', '10.1.0.1/24'),
      addAddress('br0', 'fd00:1::1/64'),
      addRoute('0.0.0.0/0', { gateway: '10.1.0.254' }),
      addRoute('10.5.0.0/16', { link: 'br0', metric: 50 }),
      addRoute('::/0', { gateway: 'fd00:1::fe', link: 'br0', metric: 77 }),
    );
    expect(ip('route show', here.path)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ dst: 'default', gateway: '10.1.0.254', protocol: 'static' }),
        expect.objectContaining({ dst: '10.5.0.0/16', dev: 'br0', scope: 'link', metric: 50 }),
      ]),
    );
    expect(ip('-6 route show default', here.path)).toEqual([
      expect.objectContaining({ gateway: 'fd00:1::fe', dev: 'br0', metric: 77 }),
    ]);
    apply(
      here.socket,
      deleteRoute('0.0.0.0/0', { gateway: '10.1.0.254' }),
      deleteRoute('10.5.0.0/16', { link: 'br0', metric: 50 }),
      deleteRoute('::/0'),
    );
    expect(ip('route show', here.path)).toHaveLength(1);
    expect(ip('-6 route show default', here.path)).toEqual([]);
  });

  const refusing = ['blackhole', 'unreachable', 'prohibit'] as const;
  it.each(refusing.flatMap((type) => [[type, '10.5.0.0/16', 4] as const, [type, 'fd00:5::/32', 6] as const]))(
    'the address and route API adds and deletes a route of type %s (%s)',
    (type, destination, family) => {
      const shown = () => ip(`-${family} route show ${destination}`, here.path);
      apply(here.socket, addRoute(destination, { type, metric: 77 }));
      expect(shown()).toEqual([expect.objectContaining({ type, dst: destination, metric: 77, protocol: 'static' })]);
      const found = listRoutes(here.socket);
      expect(found).toEqual([
        { destination, gateway: null, linkIndex: null, metric: 77, type, source: null, connected: false },
      ]);
      expect(route(here.socket, [addRoute(destination, { type, metric: 77 })])[0]?.errno).toBe('EEXIST');
      apply(here.socket, deleteRoute(destination, { type, metric: 77 }));
      expect(shown()).toEqual([]);
      apply(here.socket, addRoute(destination, { type }), deleteRoute(destination));
      expect(shown()).toEqual([]);
      expect(route(here.socket, [deleteRoute(destination, { type })])[0]?.errno).toBe('ESRCH');
    },
  );

  it('the address and route API deletes an IPv4 route only of the given type', () => {
    apply(here.socket, addRoute('10.5.0.0/16', { type: 'blackhole' }));
    const faults = route(here.socket, [deleteRoute('10.5.0.0/16', { type: 'prohibit' })]);
    expect(faults[0]).toMatchObject({ op: 'delete route', errno: 'ESRCH' });
    expect(listRoutes(here.socket)).toEqual([expect.objectContaining({ type: 'blackhole' })]);
  });

  it.each(refusing)(
    'the address and route API refuses what a route of type %s covers, and reaches the destination of a longer one',
    (type) => {
      apply(here.socket, setLink('lo', { up: true }), addBridge('br0'), addAddress('br0', '10.5.1.1/24'));
      apply(here.socket, addRoute('10.5.0.0/16', { type }), addRoute('fd00:5::/32', { type }));
      expect(sourceAddressFor(here.socket, '10.5.1.2')).toBe('10.5.1.1');
      expect(sourceAddressFor(here.socket, '10.5.2.2')).toBeNull();
      expect(sourceAddressFor(here.socket, 'fd00:5::2')).toBeNull();
    },
  );

  it('the address and route API sets up a whole container in one call', () => {
    apply(here.socket, addBridge('br0'), addAddress('br0', '10.1.0.1/24'), addVeth('v0', there.path));
    apply(
      there.socket,
      setLink('lo', { up: true }),
      setLink('eth0', { up: true }),
      addAddress('eth0', '10.1.0.2/24'),
      addRoute('0.0.0.0/0', { gateway: '10.1.0.1' }),
    );
    expect(ip('route show default', there.path)[0]).toMatchObject({ gateway: '10.1.0.1', dev: 'eth0' });
  });
});
