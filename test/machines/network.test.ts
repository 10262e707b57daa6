import { describe, expect, it } from 'vitest';
import { networkMachine } from '../../machines/network/chart.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { fault } from '../../src/core/fault.ts';
import { macOfAddress } from '../../src/core/object-names.ts';
import { definitionOf } from '../core/samples.ts';
import {
  type At,
  claiming,
  create,
  defined,
  defining,
  effectsOf,
  empty,
  followed,
  forwarded,
  granted,
  lowering,
  raised,
  raising,
  reach,
  release,
  remove,
  start,
  step,
  subnets,
  up,
  update,
} from './network-walk.ts';
import { device, foreignDefinition, leaseRequest, networkWish } from './terrains/network.ts';
import { applied, begin, brief, failed, follow, recovered, stateName } from './walk.ts';

describe('a requested network', () => {
  it('asks the host for subnets and a bridge name', () => {
    expect(step(start, create())).toEqual(['claiming', 'tell host subnet.claim']);
  });

  it('is defined with the subnets that the host grants, and changes nothing in the kernel', () => {
    expect(step(claiming, granted)).toEqual(['defining', 'apply define']);
    expect(step(defining, applied('define'))).toEqual(['defined', 'announce created', 'reply c1 ok']);
  });

  it('is dropped when the host refuses', () => {
    expect(step(claiming, { type: 'subnet.refused', fault: fault('subnet.taken', 'taken') })).toEqual([
      'absent',
      'announce failed',
      'reply c1 subnet.taken',
    ]);
  });

  const ofDefault = (container: string) => leaseRequest(container, { madeAt: 'now' });

  it('P10 is made when the first container requests a lease, which is granted when the network is up', () => {
    expect(step(start, ofDefault('a'))).toEqual(['claiming', 'tell host subnet.claim']);
    const waiting = reach(start, ofDefault('a'), ofDefault('b'), leaseRequest('c'));
    expect(waiting.context).toMatchObject({ wish: { link: 'podman0' }, created: 'now', command: null });
    expect(step(waiting, granted)).toEqual(['defining', 'apply define']);
    expect(step(reach(waiting, granted), applied('define'))).toEqual([
      'raising',
      'announce created',
      'reply null ok',
      'apply raise',
    ]);
    expect(step(reach(waiting, granted, applied('define')), raised).slice(-3)).toEqual([
      'tell container/a lease.granted',
      'tell container/b lease.granted',
      'tell container/c lease.granted',
    ]);
  });

  it('P10 is not made again when it exists', () => {
    expect(reach(claiming, ofDefault('a')).context.wish).toEqual(claiming.context.wish);
    for (const from of [claiming, defining]) expect(step(from, ofDefault('a'))).toEqual([stateName(from.value)]);
    for (const from of [defined, raising, up])
      expect(reach(from, ofDefault('a')).context.definition).toEqual(from.context.definition);
  });

  it('P10 is made again after a takedown only when a container waits for it', () => {
    const waiting = reach(lowering, ofDefault('b'));
    expect(step(waiting, leaseRequest('c'))).toEqual(['lowering', 'tell container/c claim.refused']);
    expect(step(waiting, applied('lower'))).toEqual([
      'claiming',
      'announce removed',
      'reply c9 ok',
      'tell host subnet.release',
      'tell host subnet.claim',
    ]);
    const anew = reach(waiting, applied('lower'));
    expect(anew.context).toMatchObject({ definition: null, wish: { link: 'podman0' }, created: 'now' });
    expect(step(reach(anew, granted), applied('define')).at(-1)).toBe('apply raise');
    expect(step(reach(lowering, ofDefault('b'), release('b')), applied('lower'))[0]).toBe('removed');
    expect(step(lowering, leaseRequest('b'))).toEqual(['lowering', 'tell container/b claim.refused']);
  });

  it('P10 is replaced by a file with its name that is found while it is taken down', () => {
    const found: ActorEvent = { type: 'definition.found', definition: foreignDefinition };
    expect(reach(lowering, ofDefault('b'), found, applied('lower')).context).toMatchObject({
      definition: foreignDefinition,
    });
  });

  it('P10 is dropped when the host refuses, and the container gets the reason', () => {
    const taken = fault('subnet.taken', 'subnet 10.89.0.0/24 overlaps a route');
    const { next, effects } = followed(reach(start, ofDefault('a')), { type: 'subnet.refused', fault: taken });
    expect([next.value, next.context.waiting, next.context.wish]).toEqual(['absent', [], null]);
    expect(effects).toContainEqual({
      kind: 'tell',
      to: 'container/a',
      event: {
        type: 'claim.refused',
        attempt: 1,
        fault: { ...taken, message: 'network demo cannot be built: subnet 10.89.0.0/24 overlaps a route' },
      },
    });
  });

  it('is refused when its name exists', () => {
    for (const from of [claiming, defined, raising, up, lowering])
      expect(step(from, create('c9')).at(-1)).toBe('reply c9 network.exists');
  });
});

describe('a network that routes', () => {
  const refused: ActorEvent = { type: 'forwarding.refused', fault: fault('kernel.refused', 'read-only') };
  const plainly = (from: At, ...events: ActorEvent[]) => {
    const { next, effects } = follow(networkMachine, from, ...events);
    return [stateName(next.value), ...effects.map(brief)];
  };
  const routing = follow(networkMachine, defined, leaseRequest('a')).next as At;

  it('gets its device only after the host has granted forwarding', () => {
    expect(plainly(defined, leaseRequest('a'))).toEqual(['routing', 'tell host forwarding.claim']);
    expect(plainly(routing, forwarded)).toEqual(['raising', 'apply raise']);
  });

  it('refuses the waiting containers when the host refuses forwarding', () => {
    expect(plainly(routing, leaseRequest('b'), refused)).toEqual([
      'defined',
      'announce failed',
      'tell container/a claim.refused',
      'tell container/b claim.refused',
    ]);
  });

  it('releases forwarding when its device is removed, or cannot be made', () => {
    expect(plainly(lowering, applied('lower'))).toContain('tell host forwarding.release');
    expect(plainly(raising, failed('raise'))).toContain('tell host forwarding.release');
  });

  it('is degraded when the host refuses its claim while it is up, and claims again with the next repair', () => {
    const refusal: ActorEvent = { type: 'forwarding.refused', fault: fault('kernel.refused', 'read-only') };
    const refused = reach(up, recovered(false), refusal);
    expect(plainly(up, refusal)).toEqual(['degraded', 'announce drift-detected', 'announce degraded']);
    expect(refused.context.lastFault?.message).toBe('read-only');
    expect(plainly(refused, { type: 'drift.suspected' })).toEqual([
      'degraded',
      'tell host forwarding.claim',
      'apply mend',
    ]);
    expect(plainly(refused, refusal)).toEqual(['degraded']);
  });

  it('releases forwarding when a reboot precedes the grant', () => {
    expect(plainly(routing, recovered(true))).toEqual(['defined']);
    expect(plainly(routing, recovered(true), forwarded)).toEqual(['defined', 'tell host forwarding.release']);
    expect(plainly(up, forwarded)).toEqual(['up']);
  });

  it('claims forwarding again after a restart of the daemon, whose host may not know of it', () => {
    expect(plainly(up, recovered(false))).toEqual(['up', 'tell host forwarding.claim', 'apply adopt']);
  });

  const found = (request: Parameters<typeof definitionOf>[0]): At => {
    const start: ActorEvent = { type: 'definition.found', definition: definitionOf(request) };
    return follow(networkMachine, begin(networkMachine, { name: 'demo', searchDomain: 'x', node: 'testnode' }), start)
      .next as At;
  };

  it('claims no forwarding when its link is a macvlan', () => {
    const macvlan = found({ driver: 'macvlan', subnets: [{ subnet: '10.89.0.0/24' }] });
    expect(plainly(macvlan, leaseRequest('a'))).toEqual(['raising', 'apply raise']);
  });

  it('N14 claims its place even if the host need not forward for it', () => {
    const { effects } = follow(networkMachine, found({ internal: true }), leaseRequest('a'));
    const place = { network: 'demo', use: 'alone', subnets };
    expect(effects).toMatchObject([{ event: { type: 'forwarding.claim', families: [], place, isBrought: false } }]);
  });

  it('N14 notifies the host of its removal, so that a network that needs its place can wait', () => {
    expect(plainly(reach(up, release('a')), remove)).toContain('tell host forwarding.leave');
  });
});

describe('the first member', () => {
  it('makes the network raise its bridge', () => {
    expect(step(defined, leaseRequest('a'))).toEqual(['raising', 'apply raise']);
  });

  it('waits with the members that arrive in the meantime, and each gets its own address', () => {
    expect(step(raising, leaseRequest('b'), raised)).toEqual([
      'up',
      'announce configured',
      'tell container/a lease.granted',
      'tell container/b lease.granted',
    ]);
    expect(reach(raising, leaseRequest('b'), raised).context.leases).toEqual({
      a: ['10.89.0.2'],
      b: ['10.89.0.3'],
    });
  });

  it('is refused with all waiting members when the bridge cannot be made', () => {
    expect(step(raising, leaseRequest('b'), failed('raise'))).toEqual([
      'defined',
      'announce failed',
      'tell container/a claim.refused',
      'tell container/b claim.refused',
    ]);
  });

  it('gets no lease when it gives up before the bridge is up', () => {
    expect(step(raising, release('a'), raised)).toEqual(['up', 'announce configured']);
  });
});

describe('leases', () => {
  it('are granted at once while the bridge is up, with all data that a plan needs', () => {
    expect(effectsOf(up, leaseRequest('b', { attempt: 5 }))).toEqual([
      {
        kind: 'tell',
        to: 'container/b',
        event: {
          type: 'lease.granted',
          attempt: 5,
          lease: {
            network: 'demo',
            networkId: networkWish.id,
            link: { kind: 'bridge', bridge: 'netloom0', vlanId: null, published: true, spoofing: 'guarded' },
            internal: false,
            mtuBytes: 1500,
            addresses: [{ address: '10.89.0.3', prefixLength: 24, gateway: '10.89.0.1' }],
            macAddress: macOfAddress('demo', '10.89.0.3'),
            routes: [],
            defaultRoute: true,
            metric: null,
            acceptRa: 0,
            dns: { servers: ['10.89.0.1'], searchDomains: ['dns.netloom'] },
          },
        },
      },
    ]);
  });

  it('are not granted again right after their release', () => {
    expect(reach(up, release('a'), leaseRequest('b')).context.leases).toEqual({ b: ['10.89.0.3'] });
  });

  it('are kept by a container that requests them again', () => {
    expect(reach(up, leaseRequest('b'), leaseRequest('a')).context.leases).toEqual({
      a: ['10.89.0.2'],
      b: ['10.89.0.3'],
    });
  });

  it('A04 are refused when the requested address is taken', () => {
    expect(effectsOf(up, leaseRequest('b', { staticIps: ['10.89.0.2'] }))).toMatchObject([
      { to: 'container/b', event: { type: 'claim.refused', fault: { code: 'address.taken' } } },
    ]);
  });

  it('are refused before the network is defined, and while it is taken down', () => {
    for (const from of [start, claiming, lowering])
      expect(effectsOf(from, leaseRequest('b'))).toMatchObject([{ event: { fault: { code: 'network.unknown' } } }]);
  });
});

describe('a removal', () => {
  it('is refused while the network has present or waiting members, and names some of them', () => {
    expect(step(up, remove)).toEqual(['up', 'reply c9 network.in-use']);
    expect(step(raising, remove)).toEqual(['raising', 'reply c9 network.busy']);
    const full = reach(up, ...['b', 'c', 'd', 'e', 'f', 'g'].map((id) => leaseRequest(id)));
    expect(effectsOf(full, remove)).toMatchObject([
      {
        fault: { message: 'network demo is used by a, b, c, d, e and 2 more: disconnect them, or force it (--force)' },
      },
    ]);
  });

  it('takes the bridge down, releases the subnets and replies', () => {
    expect(step(empty, remove)).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
    expect(step(lowering, applied('lower'))).toEqual([
      'removed',
      'tell host subnet.release',
      'announce removed',
      'reply c9 ok',
    ]);
  });

  it('leaves the network defined when it fails, and can be repeated', () => {
    expect(step(lowering, failed('lower'))).toEqual(['defined', 'announce failed', 'reply c9 kernel.refused']);
    expect(step(lowering, failed('lower'), remove)).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
  });

  it('is not completed by the result of a repair', () => {
    expect(step(lowering, applied('mend'))).toEqual(['lowering']);
    expect(step(lowering, failed('mend'))).toEqual(['lowering']);
  });

  it('is refused when the network is unknown, or while another removal is under way', () => {
    expect(step(start, remove)).toEqual(['absent', 'reply c9 network.unknown']);
    expect(step(lowering, { ...remove, command: 'c8' } as ActorEvent)).toEqual(['lowering', 'reply c8 network.busy']);
  });
});

describe('the verification of a network', () => {
  it('repairs the bridge after a restart of the daemon and removes nothing, whether it succeeds or fails', () => {
    expect(step(up, recovered(false))).toEqual(['up', 'apply adopt']);
    expect(effectsOf(up, recovered(false))).toMatchObject([{ plan: { kind: 'mend' } }]);
    const mending = reach(up, recovered(false));
    expect(step(mending, applied('adopt'))).toEqual(['up', 'announce adopted']);
    expect(step(mending, failed('adopt'))).toEqual(['degraded', 'announce drift-detected', 'announce degraded']);
  });

  it('follows a change that is under way at a restart, and is repeated when its result arrives during a change', () => {
    const changing = reach(up, update, recovered(false));
    expect(step(changing, applied('update')).at(-1)).toBe('apply adopt');
    expect(step(reach(changing, applied('update')), applied('adopt'))).toEqual(['up', 'announce adopted']);
    const overtaken = reach(up, recovered(false), update, applied('adopt'));
    expect(step(overtaken, applied('update')).at(-1)).toBe('apply adopt');
  });

  it('is repeated once when drift is suspected in the meantime', () => {
    const verifying = reach(up, { type: 'drift.suspected' });
    expect(step(verifying, { type: 'drift.suspected' })).toEqual(['up']);
    const again = reach(verifying, { type: 'drift.suspected' });
    expect(step(again, applied('mend', [{ link: device }]))).toEqual(['up', 'apply mend']);
    expect(step(again, applied('mend', [{ link: device }]), applied('mend', [{ link: device }]))).toEqual(['up']);
  });

  it('is repeated after a failure when drift was suspected in the meantime', () => {
    const again = reach(up, { type: 'drift.suspected' }, { type: 'drift.suspected' });
    expect(step(again, failed('mend'))).toEqual([
      'degraded',
      'announce drift-detected',
      'announce degraded',
      'apply mend',
    ]);
    expect(step(reach(again, failed('mend')), failed('mend'))).toEqual(['degraded']);
  });

  it('is repeated after an update, whatever its result was', () => {
    const changing = reach(up, { type: 'drift.suspected' }, update);
    for (const result of [applied('mend', [{ link: device }]), failed('mend')])
      expect(step(reach(changing, result), applied('update')).at(-1)).toBe('apply mend');
  });

  it('does not count as the adoption of a device that is made later', () => {
    const raisedLater = (...before: ActorEvent[]) => step(reach(defined, ...before, leaseRequest('a')), raised);
    expect(raisedLater(update, recovered(false), applied('update'))).not.toContain('announce adopted');
    expect(raisedLater(leaseRequest('b'), raised, update, recovered(false), recovered(true))).not.toContain(
      'announce adopted',
    );
  });

  it('does not begin in other states after a restart', () => {
    for (const from of [claiming, defined, raising, lowering])
      expect(step(from, recovered(false))).toEqual([stateName(from.value)]);
  });
});

describe('a reboot', () => {
  it('keeps the definition, and drops the bridge and the members', () => {
    for (const from of [raising, up]) {
      expect(step(from, recovered(true))).toEqual(['defined']);
      expect(reach(from, recovered(true)).context).toMatchObject({ leases: {}, waiting: [] });
    }
  });

  it('resumes a removal, as the network file still exists', () => {
    expect(step(lowering, recovered(true))).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
  });
});

describe('B13 routes of loopback addresses', () => {
  const published = leaseRequest('b', { onLoopback: true });
  const open = reach(up, published);
  const closing = reach(open, release('b'));

  it('are open while a member publishes a port that 127.0.0.1 reaches, and closed after the last one has left', () => {
    expect(open.context.device?.routesLoopback).toBe(true);
    expect(step(open, release('b'))).toEqual(['closing', 'apply close']);
    expect(step(closing, applied('close'))).toEqual(['up']);
    expect(reach(closing, applied('close')).context.device?.routesLoopback).toBe(false);
    expect(step(reach(open, leaseRequest('c', { onLoopback: true })), release('b'))).toEqual(['up']);
  });

  it('delay a new member while they are being closed', () => {
    const waiting = reach(closing, leaseRequest('c', { onLoopback: true }));
    expect(step(closing, leaseRequest('c'))).toEqual(['closing']);
    expect(step(waiting, applied('close'))).toEqual(['up', 'tell container/c lease.granted']);
    expect(reach(waiting, applied('close')).context.device?.routesLoopback).toBe(true);
    expect(step(waiting, failed('close'))).toEqual([
      'up',
      'announce failed',
      'tell container/c lease.granted',
      'apply mend',
    ]);
  });

  it('are verified by a member that publishes while they are being closed', () => {
    const ports: ActorEvent = { type: 'lease.ports', container: 'a', onLoopback: true };
    expect(step(reach(closing, ports), applied('close'))).toEqual(['up', 'tell container/a drift.suspected']);
    expect(step(reach(up, ports), { ...ports, onLoopback: false })).toEqual(['closing', 'apply close']);
    expect(step(up, { ...ports, container: 'stranger' })).toEqual(['up']);
  });

  it('do not delay another change, and are closed afterwards', () => {
    const update: ActorEvent = {
      type: 'network.update',
      command: 'c5',
      addDnsServers: ['192.0.2.53'],
      removeDnsServers: [],
    };
    const updating = reach(closing, update);
    expect(stateName(updating.value)).toBe('updating');
    expect(stateName(reach(updating, applied('close'), applied('update')).value)).toBe('closing');
    expect(stateName(reach(reach(closing, release('a')), remove).value)).toBe('lowering');
    expect(step(reach(closing, { type: 'drift.suspected' }), applied('close'))).toEqual(['up', 'apply mend']);
  });

  it('are reported to the members that publish when the network finds them closed', () => {
    const mending = reach(open, { type: 'drift.suspected' });
    expect(step(mending, applied('mend', [{ link: device }]))).toEqual(['up', 'tell container/b drift.suspected']);
    expect(step(mending, applied('mend', [{ link: { ...device, routesLoopback: true } }]))).toEqual(['up']);
  });
});
