import { describe, expect, it } from 'vitest';
import { listAddresses, type RouteRequest, route } from '#native';
import { apply, ip } from '../host.ts';
import { addAddress, addBridge, addRoute, addVeth, deleteAddress, deleteLink, deleteRoute } from '../requests.ts';
import { type Netns, netnsPairPerTest } from './netns-pair.ts';

let here: Netns;
let nothing: string;
netnsPairPerTest((pair) => {
  ({ here, nothing } = pair);
});

describe('failures', () => {
  it("failures report the kernel's own message", () => {
    apply(here.socket, addBridge('br0'), addAddress('br0', '10.1.0.1/24'));
    expect(
      route(here.socket, [
        addBridge('br0'),
        addAddress('br0', '10.1.0.1/24'),
        deleteAddress('br0', '10.9.9.9/24'),
        addRoute('0.0.0.0/0', { gateway: '10.200.0.1' }),
        deleteRoute('10.77.0.0/16'),
        deleteLink('nothing'),
        addVeth('v0', nothing),
      ]),
    ).toEqual([
      { op: 'add bridge', errno: 'EEXIST', detail: null },
      { op: 'add address', errno: 'EEXIST', detail: 'ipv4: Address already assigned' },
      { op: 'delete address', errno: 'EADDRNOTAVAIL', detail: 'ipv4: Address not found' },
      { op: 'add route', errno: 'ENETUNREACH', detail: 'Nexthop has invalid gateway' },
      { op: 'delete route', errno: 'ESRCH', detail: null },
      { op: 'delete link', errno: 'ENODEV', detail: null },
      { op: 'add veth', errno: 'ENOENT', detail: nothing },
    ]);
  });

  it('failures do not stop the rest of a call', () => {
    const faults = route(here.socket, [
      addBridge('br0'),
      addAddress('br0', '10.1.0.1/24'),
      addAddress('nothing', '10.2.0.1/24'),
      addAddress('br0', '10.1.0.1/24'),
      addAddress('br0', '10.3.0.1/24'),
    ]);
    expect(faults.map((fault) => fault?.errno ?? null)).toEqual([null, null, 'ENODEV', 'EEXIST', null]);
    expect(faults[2]?.detail).toBe('no link is named nothing');
    expect(ip('-4 address show dev br0', here.path)[0].addr_info).toHaveLength(2);
  });

  it('failures do not keep a stale name: it is resolved again when an earlier request has replaced its link', () => {
    apply(
      here.socket,
      addBridge('br0'),
      addAddress('br0', '10.1.0.1/24'),
      deleteLink('br0'),
      addBridge('br0'),
      addAddress('br0', '10.2.0.1/24'),
    );
    expect(ip('-4 address show dev br0', here.path)[0].addr_info).toEqual([
      expect.objectContaining({ local: '10.2.0.1' }),
    ]);
  });

  it('failures are returned for each of hundreds of requests', () => {
    apply(here.socket, addBridge('br0'));
    const requests = Array.from(
      { length: 500 },
      (_, i): RouteRequest => addAddress('br0', `10.7.${i >> 8}.${i & 255}/32`),
    );
    const faults = route(here.socket, [...requests, requests[0] as RouteRequest]);
    expect(faults.slice(0, 500).every((fault) => fault === null)).toBe(true);
    expect(faults[500]?.errno).toBe('EEXIST');
    expect(listAddresses(here.socket).filter(({ address }) => address.startsWith('10.7.'))).toHaveLength(500);
  });

  it('failures are an empty list for an empty call', () => expect(route(here.socket, [])).toEqual([]));
});
