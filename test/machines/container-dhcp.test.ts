import { describe, expect, it } from 'vitest';
import { type ContainerContext, containerMachine } from '../../machines/container/chart.ts';
import { containerView } from '../../machines/container/view.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { fault } from '../../src/core/fault.ts';
import type { Lease } from '../../src/core/lease/lease.ts';
import { describeStep } from '../../src/core/steps/step.ts';
import { leaseOf, termsOf } from '../core/samples.ts';
import { dhcpLeaseOf, grantsFor, leasedWish } from './terrains/container.ts';
import { applied, asking, begin, brief, failed, recovered, type Snapshot, stateName } from './walk.ts';

const leavings = ['tell network/lan lease.leaving'];

/** A container whose address a DHCP server assigns. */

type At = Snapshot<ContainerContext>;

const start: At = begin(containerMachine, { id: 'web', netnsDirectory: '/netns', attempt: 0 });
const { reach, step, effectsOf, kernelStepsOf } = asking<ContainerContext>(containerMachine);
const stepsOf = (from: At, event: ActorEvent): string[] => kernelStepsOf(from, event).map(describeStep);

const terms = termsOf();
const noServer = fault('dhcp.timeout', 'no DHCP server gave an address');
const ended = fault('dhcp.expired', 'nobody renewed it');
const leased = (attempt: number, more = {}, network = 'lan'): ActorEvent => ({
  type: 'dhcp.leased',
  command: null,
  network,
  attempt,
  terms: { ...terms, ...more },
});
const lost = (attempt: number, why = ended, network = 'lan'): ActorEvent => ({
  type: 'dhcp.lost',
  command: null,
  network,
  attempt,
  fault: why,
});

const claiming = reach(start, { type: 'container.setup', command: 'c1', wish: leasedWish });
const building = reach(claiming, ...grantsFor(claiming.context));
const { attempt } = building.context;
const made = applied('setup', [{ netns: { path: '/netns/netloom-web', inode: 7 } }]);
const leasing = reach(building, made);
const addressing = reach(leasing, leased(attempt));
const up = reach(addressing, applied('address', [{ netns: { path: '/netns/netloom-web', inode: 7 } }]));
const stateOf = (at: At) => containerView(at.value, at.context)?.state;

describe('a set-up that waits for a DHCP server', () => {
  it('C13 starts the DHCP client after its links exist, in the new namespace', () => {
    expect(step(building, made)).toEqual(['leasing', 'tell dhcp/web/lan dhcp.start']);
    const place = {
      netns: '/netns/netloom-web',
      inode: 7,
      link: 'eth0',
      macAddress: '02:00:00:00:00:07',
      hostName: 'web',
    };
    expect(effectsOf(building, made)).toMatchObject([{ event: { attempt, place } }]);
  });

  it('C13 adds the assigned address and its routes, and is answered afterwards', () => {
    expect(step(leasing, leased(attempt))).toEqual(['addressing', 'apply address']);
    expect(stepsOf(leasing, leased(attempt))).toEqual([
      'netns.require /netns/netloom-web',
      'link.set eth0 up in /netns/netloom-web',
      'address.add 192.0.2.7/24 dev eth0 in /netns/netloom-web',
      'route.add 0.0.0.0/0 via 192.0.2.1 in /netns/netloom-web',
      'address.announce 192.0.2.7 dev eth0 in /netns/netloom-web',
    ]);
    const told = effectsOf(addressing, applied('address', [{ netns: { path: '/netns/netloom-web', inode: 7 } }]));
    expect(told.map(brief)).toEqual(['announce netns-ready', 'announce configured', 'reply c1 ok']);
    expect(told.at(-1)).toMatchObject({
      output: {
        status: {
          lan: {
            interfaces: { eth0: { subnets: [{ ipnet: '192.0.2.7/24', gateway: '192.0.2.1' }] } },
            dns_server_ips: ['192.0.2.53'],
            dns_search_domains: ['lan.example'],
          },
        },
      },
    });
  });

  it('C13 fails at once when no server answers, and undoes its changes', () => {
    expect(step(leasing, lost(attempt, noServer))).toEqual([
      'unconfiguring',
      'announce failed',
      'reply c1 dhcp.timeout',
      ...leavings,
      'announce tearing-down',
      'tell dhcp/web/lan dhcp.end',
      'apply teardown',
    ]);
    expect(step(addressing, failed('address'))).toMatchObject({ 0: 'unconfiguring' });
    const down = reach(leasing, lost(attempt, noServer), applied('teardown'), applied('unlink'));
    expect([stateName(down.value), down.context.leases, down.context.lastFault]).toEqual(['created', {}, noServer]);
  });

  it('C13 ignores messages for an earlier set-up', () => {
    for (const event of [leased(attempt - 1), lost(attempt - 1)]) expect(step(leasing, event)).toEqual(['leasing']);
  });

  it('C13 keeps waiting after a restart of the daemon, but not after a reboot', () => {
    expect(step(leasing, recovered(false))).toEqual(['leasing']);
    expect(step(leasing, recovered(true))[0]).toBe('created');
  });

  it('C13 delays a teardown until it has succeeded or failed', () => {
    const waiting = reach(leasing, { type: 'container.teardown', command: 'c2' });
    expect(stateName(waiting.value)).toBe('leasing');
    const failing = reach(waiting, lost(attempt, noServer), applied('teardown'));
    expect(step(failing, applied('unlink')).at(-1)).toBe('reply c2 ok');
  });
});

describe('a container with an address from a DHCP server', () => {
  const at = (address: string) => ({ address, gateway: '192.0.2.1' });

  it('C13 deletes its old address before it adds a new one', () => {
    expect(stepsOf(up, leased(attempt, at('192.0.2.8')))).toEqual([
      'netns.require /netns/netloom-web',
      'address.delete 192.0.2.7/24 dev eth0 in /netns/netloom-web',
      'link.set eth0 up in /netns/netloom-web',
      'address.add 192.0.2.8/24 dev eth0 in /netns/netloom-web',
      'route.add 0.0.0.0/0 via 192.0.2.1 in /netns/netloom-web',
      'address.announce 192.0.2.8 dev eth0 in /netns/netloom-web',
    ]);
    const changed = reach(up, leased(attempt, at('192.0.2.8')), applied('address'));
    expect(changed.context.leases.lan?.addresses).toMatchObject([{ address: '192.0.2.8' }]);
    expect(stateOf(changed)).toBe('configured');
  });

  it('C13 loses the address with its lease, and is degraded until the next lease', () => {
    expect(stepsOf(up, lost(attempt))).toEqual([
      'netns.require /netns/netloom-web',
      'route.delete 0.0.0.0/0 via 192.0.2.1 in /netns/netloom-web',
      'address.delete 192.0.2.7/24 dev eth0 in /netns/netloom-web',
      'link.set eth0 up in /netns/netloom-web',
    ]);
    expect(step(reach(up, lost(attempt)), applied('address'))).toEqual([
      'up.configured unleased',
      'announce degraded',
      'reply null ok',
    ]);
    const bare = reach(up, lost(attempt), applied('address'));
    expect([stateOf(bare), bare.context.lastFault]).toEqual(['degraded', ended]);
    const again = reach(bare, leased(attempt), applied('address'));
    expect([stateOf(again), again.context.lastFault]).toEqual(['configured', null]);
  });

  it('C13 can be changed and verified without the address, and stays degraded', () => {
    const bare = reach(up, lost(attempt), applied('address'));
    expect(step(bare, { type: 'container.connect', command: 'c2', attachment: { network: 'back' } })[0]).toBe(
      'up.configured asking',
    );
    const looking = reach(bare, { type: 'container.reload', command: 'c3' });
    expect([stateName(looking.value), stateOf(looking)]).toEqual(['up.configured verifying', 'degraded']);
    const looked = reach(looking, applied('verify'));
    expect([stateOf(looked), looked.context.lastFault]).toEqual(['degraded', ended]);
  });

  const join = (address: string): ActorEvent[] => {
    const lease = leaseOf({ network: 'back', addresses: [{ address, prefixLength: 24, gateway: null }], routes: [] });
    return [
      { type: 'container.connect', command: 'c2', attachment: { network: 'back' } },
      { type: 'lease.granted', attempt: up.context.attempt + 1, lease },
    ];
  };

  it('C13 informs its DHCP client of the subnets of networks that it joins and leaves', () => {
    const changing = reach(up, ...join('10.89.1.7'));
    const told = effectsOf(changing, applied('join')).filter(({ kind }) => kind === 'tell');
    expect(told).toMatchObject([
      { to: 'dhcp/web/lan', event: { type: 'dhcp.neighbours', otherSubnets: ['10.89.1.7/24'] } },
    ]);
    const both = reach(changing, applied('join'));
    const leaving = reach(both, { type: 'container.disconnect', command: 'c3', network: 'back' });
    expect(effectsOf(leaving, applied('leave'))).toContainEqual({
      kind: 'tell',
      to: 'dhcp/web/lan',
      event: { type: 'dhcp.neighbours', otherSubnets: [] },
    });
  });

  it('C13 does not join a network whose subnet contains that address', () => {
    const [connect, granted] = join('192.0.2.200') as [ActorEvent, ActorEvent];
    const asking = reach(up, connect);
    expect(step(asking, granted)).toEqual([
      'up.configured',
      'tell network/back lease.release',
      'reply c2 subnet.taken',
    ]);
    expect(Object.keys(reach(asking, granted).context.leases)).toEqual(['lan']);
  });

  it('C13 is not degraded after the next lease, even if the record of the loss has no fault, or if a step failed', () => {
    const bare = reach(up, lost(attempt), applied('address'));
    const former = bare.context.leases.lan as Lease;
    const lan = { ...former, dhcp: { attempt, terms: null } };
    const before = { ...bare, context: { ...bare.context, leases: { lan } } };
    const looked = reach(reach(before, { type: 'drift.suspected' }), applied('verify'));
    expect(looked.context.lastFault).toEqual(ended);
    for (const at of [before, looked])
      expect(reach(at, leased(attempt), applied('address')).context.lastFault).toBeNull();
    const failing = reach(up, lost(attempt), failed('address'));
    expect(stateOf(failing)).toBe('degraded');
    const mended = reach(reach(failing, { type: 'drift.suspected' }), applied('verify'));
    expect(mended.context.lastFault).toEqual(ended);
    expect(reach(mended, leased(attempt), applied('address')).context.lastFault).toBeNull();
  });

  it('C13 is degraded while one of two leases is lost, with the fault of that lease', () => {
    const asking = reach(up, { type: 'container.connect', command: 'c2', attachment: { network: 'back' } });
    const claim = asking.context.attempt;
    const both = reach(
      asking,
      { type: 'lease.granted', attempt: claim, lease: dhcpLeaseOf('back', claim) },
      applied('join'),
      leased(claim, { address: '198.51.100.9' }, 'back'),
      applied('join'),
    );
    const takenBack = fault('dhcp.refused', 'not here');
    const neither = reach(both, lost(attempt), applied('address'), lost(claim, takenBack, 'back'), applied('address'));
    expect([stateOf(neither), neither.context.lastFault]).toEqual(['degraded', takenBack]);
    const one = reach(neither, leased(claim, {}, 'back'), applied('address'));
    expect([stateOf(one), one.context.lastFault]).toEqual(['degraded', ended]);
    const left = reach(one, { type: 'container.disconnect', command: 'c3', network: 'lan' }, applied('leave'));
    expect([stateOf(left), left.context.lastFault]).toEqual(['configured', null]);
  });

  it('C13 releases the address before its link is deleted', () => {
    const steps = stepsOf(up, { type: 'container.teardown', command: 'c2' });
    expect(steps[0]).toBe('dhcp.release 192.0.2.7 by eth0 in /netns/netloom-web');
    expect(steps.findIndex((one) => one.startsWith('link.delete'))).toBeGreaterThan(0);
    expect(step(up, { type: 'container.teardown', command: 'c2' })).toContain('tell dhcp/web/lan dhcp.end');
  });
});

describe('a connect to a network with a DHCP server', () => {
  const asking = reach(up, { type: 'container.connect', command: 'c2', attachment: { network: 'back' } });
  const claim = asking.context.attempt;
  const changing = reach(asking, { type: 'lease.granted', attempt: claim, lease: dhcpLeaseOf('back', claim) });
  const waiting = reach(changing, applied('join'));

  it('C13 is answered after the server has assigned an address', () => {
    expect(step(changing, applied('join'))).toEqual(['up.configured leasing', 'tell dhcp/web/back dhcp.start']);
    expect(stateOf(waiting)).toBe('configured');
    const given = reach(waiting, leased(claim, { address: '192.0.2.9' }, 'back'));
    expect(step(given, applied('join'))).toEqual(['up.configured', 'announce connected', 'reply c2 ok']);
    expect(reach(given, applied('join')).context.leases.back?.addresses).toMatchObject([{ address: '192.0.2.9' }]);
  });

  it('C13 is undone when the server assigns no address, or when the address cannot be added', () => {
    const withdrawing = reach(waiting, lost(claim, noServer, 'back'));
    expect(step(waiting, lost(claim, noServer, 'back'))).toEqual(['up.configured withdrawing', 'apply withdraw']);
    expect(step(withdrawing, applied('withdraw'))).toEqual([
      'up.configured',
      'tell dhcp/web/back dhcp.end',
      'tell network/back lease.release',
      'reply c2 dhcp.timeout',
    ]);
    const left = reach(withdrawing, applied('withdraw'));
    expect([Object.keys(left.context.leases), left.context.lastFault]).toEqual([['lan'], null]);
    const given = reach(waiting, leased(claim, {}, 'back'));
    expect(step(given, failed('join'))).toEqual(['up.configured withdrawing', 'apply withdraw']);
  });

  it('C13 leaves the container degraded after it is undone, when the address of another network is lost', () => {
    const bare = reach(up, lost(attempt), applied('address'));
    const asking = reach(bare, { type: 'container.connect', command: 'c2', attachment: { network: 'back' } });
    const claim = asking.context.attempt;
    const granted = reach(asking, { type: 'lease.granted', attempt: claim, lease: dhcpLeaseOf('back', claim) });
    const withdrawing = reach(granted, applied('join'), lost(claim, noServer, 'back'));
    expect(step(withdrawing, applied('withdraw'))).toContain('reply c2 dhcp.timeout');
    const left = reach(withdrawing, applied('withdraw'));
    expect([stateOf(left), left.context.lastFault]).toEqual(['degraded', ended]);
  });

  it('C13 delays messages about the leases of other networks', () => {
    const later = reach(waiting, lost(attempt));
    expect(stateName(later.value)).toBe('up.configured leasing');
    const given = reach(later, leased(claim, {}, 'back'));
    expect(step(given, applied('join'))).toEqual([
      'up.configured changing',
      'announce connected',
      'reply c2 ok',
      'apply address',
    ]);
  });
});
