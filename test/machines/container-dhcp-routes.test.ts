import { describe, expect, it } from 'vitest';
import { type ContainerContext, containerMachine } from '../../machines/container/chart.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { NetworkRoute } from '../../src/core/network/definition.ts';
import { leaseOf, termsOf, v6, wishOf } from '../core/samples.ts';
import { dhcpLeaseOf } from './terrains/container.ts';
import { applied, asking, begin, recovered, type Snapshot, stateName } from './walk.ts';

const leavings = ['tell network/far lease.leaving', 'tell network/lan lease.leaving'];

/** A container on network `far`, whose routes use gateways on other networks, and on `lan`, whose addresses a DHCP server assigns. */

type At = Snapshot<ContainerContext>;

const start: At = begin(containerMachine, { id: 'web', netnsDirectory: '/netns', attempt: 0 });
const { reach, step, kernelStepsOf: stepsOf } = asking<ContainerContext>(containerMachine);

const by = (gateway: string): NetworkRoute => ({
  destination: gateway.includes(':') ? 'fd77::/48' : '10.77.0.0/16',
  gateway,
  metric: null,
  type: 'unicast',
});
const farBy = (gateway: string) => leaseOf({ network: 'far', addresses: [v6], routes: [by(gateway)] });
const granted = (lease: ReturnType<typeof leaseOf>, attempt = 1): ActorEvent => ({
  type: 'lease.granted',
  attempt,
  lease,
});
const leased = (attempt: number, address: string, network = 'lan'): ActorEvent => ({
  type: 'dhcp.leased',
  command: null,
  network,
  attempt,
  terms: termsOf({ address }),
});

const wish = wishOf({ networks: [{ network: 'lan' }, { network: 'far' }] });
const claiming = reach(start, { type: 'container.setup', command: 'c1', wish });
const made = applied('setup', [{ netns: { path: '/netns/netloom-web', inode: 7 } }]);
const beside = (gateway: string) => [granted(farBy(gateway)), granted(dhcpLeaseOf('lan', 1))];
const leasing = reach(claiming, ...beside('192.0.2.9'), made);

describe('C05 a route whose gateway may be on a network with a DHCP server', () => {
  it('C05 is added with the address that the server assigns', () => {
    expect(step(claiming, ...beside('192.0.2.9'))).toEqual(['building', 'apply setup']);
    expect(step(leasing, leased(1, '192.0.2.7'))).toEqual(['addressing', 'apply address']);
    expect(stepsOf(leasing, leased(1, '192.0.2.7'))).toContainEqual(
      expect.objectContaining({ verb: 'route.add', destination: '10.77.0.0/16', gateway: '192.0.2.9', link: 'eth0' }),
    );
  });

  it('C05 makes the set-up fail when the address is in another subnet: its changes are undone, and the lease is released', () => {
    expect(step(leasing, leased(1, '198.51.100.7'))).toEqual([
      'unconfiguring',
      'announce failed',
      'reply c1 route.unreachable',
      ...leavings,
      'announce tearing-down',
      'tell dhcp/web/lan dhcp.end',
      'apply teardown',
    ]);
    expect(stepsOf(leasing, leased(1, '198.51.100.7'))).toContainEqual(
      expect.objectContaining({ verb: 'dhcp.release', lease: expect.objectContaining({ address: '198.51.100.7' }) }),
    );
    const down = reach(leasing, leased(1, '198.51.100.7'), applied('teardown'), applied('unlink'));
    expect([stateName(down.value), down.context.leases, down.context.lastFault]).toMatchObject([
      'created',
      {},
      { code: 'route.unreachable', message: expect.stringContaining('192.0.2.9, which is on no network') },
    ]);
    expect(step(leasing, recovered(false))).toEqual(['leasing']);
  });

  it('C05 is refused at once when an IPv6 gateway is on no network, as the DHCP servers assign IPv4 addresses only', () => {
    expect(step(claiming, ...beside('fd99::9'))).toEqual([
      'failed',
      'tell network/lan lease.release',
      'tell network/far lease.release',
      'announce failed',
      'reply c1 route.unreachable',
    ]);
    expect(step(claiming, ...beside('fd00::9'))).toEqual(['building', 'apply setup']);
  });
});

describe('C05 a connect to a network with a DHCP server', () => {
  const lan = (gateway: string) => ({ ...dhcpLeaseOf('lan', 2), routes: [by(gateway)] });
  const alone = reach(start, {
    type: 'container.setup',
    command: 'c1',
    wish: wishOf({ networks: [{ network: 'far' }] }),
  });
  const up = reach(alone, granted(leaseOf({ network: 'far', addresses: [v6] })), made);
  const asking = reach(up, { type: 'container.connect', command: 'c2', attachment: { network: 'lan' } });
  const waiting = reach(asking, granted(lan('192.0.2.9'), 2), applied('join'));

  it('C05 is undone when the assigned address does not reach the gateway of its route', () => {
    expect(stateName(waiting.value)).toBe('up.configured leasing');
    expect(step(waiting, leased(2, '192.0.2.7'))).toEqual(['up.configured changing', 'apply join']);
    expect(step(waiting, leased(2, '198.51.100.7'))).toEqual(['up.configured withdrawing', 'apply withdraw']);
    expect(step(reach(waiting, leased(2, '198.51.100.7')), applied('withdraw'))).toEqual([
      'up.configured',
      'tell dhcp/web/lan dhcp.end',
      'tell network/lan lease.release',
      'reply c2 route.unreachable',
    ]);
    expect(stepsOf(waiting, leased(2, '198.51.100.7'))).toContainEqual(
      expect.objectContaining({ verb: 'dhcp.release', lease: expect.objectContaining({ address: '198.51.100.7' }) }),
    );
  });

  it('C05 is refused at once when the gateway of its IPv6 route is on no network', () => {
    expect(step(asking, granted(lan('fd99::9'), 2))).toContain('reply c2 route.unreachable');
  });
});
