import { describe, expect, it } from 'vitest';
import { networkMachine } from '../../machines/network/chart.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { fault } from '../../src/core/fault.ts';
import { definitionOf } from '../core/samples.ts';
import {
  type At,
  claiming,
  create,
  defined,
  defining,
  effectsOf,
  empty,
  isAboutForwarding,
  leaving,
  lowering,
  overdue,
  raised,
  raising,
  reach,
  release,
  remove,
  start,
  step,
  up,
  update,
  waiting,
} from './network-walk.ts';
import { device, foreignDefinition, leaseRequest } from './terrains/network.ts';
import { applied, brief, failed, follow, recovered, stateName } from './walk.ts';

describe('B8 a request that only leaving members block', () => {
  const static2 = leaseRequest('b', { staticIps: ['10.89.0.2'] });
  const brought = leaseRequest('b', { definition: foreignDefinition });
  const left = reach(up, leaving('a'));
  const held = reach(left, static2, waiting);

  it('waits, and is granted after they have left', () => {
    expect(step(left, static2)).toEqual(['up', 'apply await-leaving']);
    expect(step(held, release('a'))).toEqual(['up', 'tell container/b lease.granted']);
    expect(reach(held, release('a')).context).toMatchObject({ leases: { b: ['10.89.0.2'] }, leaving: [], held: [] });
  });

  it('waits for at most two seconds', () => {
    expect(effectsOf(left, static2)).toMatchObject([
      { plan: { steps: [{ verb: 'deadline.set', owner: 'network/demo', deadline: 'leaving', withinMs: 2_000 }] } },
    ]);
  });

  it('is refused when its deadline passes or cannot be set, and not at an earlier deadline', () => {
    expect(effectsOf(held, overdue)).toMatchObject([
      { to: 'container/b', event: { type: 'claim.refused', fault: { code: 'address.taken' } } },
    ]);
    expect(step(held, { ...overdue, at: 4 } as ActorEvent)).toEqual(['up']);
    expect(step(reach(held, overdue), release('a'))).toEqual(['up']);
    expect(step(reach(left, static2), failed('await-leaving'))).toEqual(['up', 'tell container/b claim.refused']);
  });

  it('is refused at once when a member that stays blocks it as well', () => {
    const taken = reach(up, leaseRequest('c'), leaving('a'));
    expect(step(taken, leaseRequest('b', { staticIps: ['10.89.0.3'] }))).toEqual([
      'up',
      'tell container/b claim.refused',
    ]);
    expect(step(taken, brought)).toEqual(['up', 'tell container/b claim.refused']);
    expect(step(left, leaseRequest('b', { staticIps: ['10.89.0.1'] }))).toEqual([
      'up',
      'tell container/b claim.refused',
    ]);
  });

  it('does not delay requests that no member blocks', () => {
    expect(step(held, leaseRequest('c'))).toEqual(['up', 'tell container/c lease.granted']);
  });

  it('waits when it has another definition, and the network is made again with that definition', () => {
    expect(step(left, brought)).toEqual(['up', 'apply await-leaving']);
    expect(step(reach(left, brought), release('a'))).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
    const anew = reach(left, brought, release('a'), applied('lower'), raised);
    expect(anew.context).toMatchObject({ definition: foreignDefinition, leases: { b: ['10.89.0.2'] } });
  });

  it('is answered in order, and a granted request prevents another definition of the network', () => {
    const two = reach(held, leaseRequest('c', { definition: foreignDefinition }));
    expect(step(two, release('a'))).toEqual(['up', 'tell container/b lease.granted', 'tell container/c claim.refused']);
  });

  it('is refused when the network is removed in the meantime', () => {
    const both = reach(left, brought, leaseRequest('c', { staticIps: ['10.89.0.2'] }), release('a'));
    expect(step(reach(both, release('b')), applied('lower'))).toEqual([
      'removed',
      'tell host subnet.release',
      'announce removed',
      'reply null ok',
      'tell container/c claim.refused',
    ]);
  });

  it('is dropped when its container gives up, or is taken down itself', () => {
    for (const end of [release('b'), leaving('b')]) expect(step(reach(held, end), release('a'))).toEqual(['up']);
  });

  it('does not wait for a member that has requested a lease again', () => {
    expect(step(left, leaseRequest('a'))).toEqual(['up', 'tell container/a lease.granted']);
    expect(step(reach(left, leaseRequest('a')), static2)).toEqual(['up', 'tell container/b claim.refused']);
  });

  it('is decided after an update or a repair of the network when the member leaves in the meantime', () => {
    expect(step(reach(held, update, release('a')), applied('update')).at(-1)).toBe('tell container/b lease.granted');
    const degraded = reach(
      held,
      { type: 'drift.suspected' },
      failed('mend'),
      { type: 'drift.suspected' },
      release('a'),
    );
    expect(step(degraded, applied('mend', [{ link: device }])).at(-1)).toBe('tell container/b lease.granted');
  });

  it('keeps its deadline in the next daemon, and is dropped at a reboot', () => {
    expect(step(held, recovered(false))).toEqual(['up', 'apply adopt', 'apply await-leaving']);
    expect(effectsOf(held, recovered(false)).at(-1)).toMatchObject({ plan: { steps: [{ at: 5 }] } });
    expect(step(reach(left, static2), recovered(false))).toEqual(['up', 'apply adopt']);
    expect(reach(held, recovered(true)).context).toMatchObject({ held: [], leaving: [] });
  });

  it('prevents the removal of a network without a file when the last member leaves', () => {
    const known = leaseRequest('a', { definition: foreignDefinition });
    const given = reach(start, known, raised, leaving('a'));
    const again = leaseRequest('b', { definition: foreignDefinition, staticIps: ['10.89.0.2'] });
    expect(step(reach(given, again), release('a'))).toEqual(['up', 'tell container/b lease.granted']);
  });

  it('N14 is granted by the network whose file was found while the former one was in use', () => {
    const other = { ...definitionOf(), subnets: [{ subnet: '10.89.0.0/25', gateway: '10.89.0.1' }] };
    const found: ActorEvent = { type: 'definition.found', definition: other };
    expect(step(reach(held, found), release('a'))[0]).toBe('lowering');
    const after = reach(held, found, release('a'), applied('lower'), raised);
    expect(after.context).toMatchObject({ definition: other, leases: { b: ['10.89.0.2'] } });
  });
});

describe('B8 a removal while members are leaving', () => {
  const emptying = reach(up, leaving('a'), remove, waiting);

  it('waits until they have left', () => {
    expect(step(reach(up, leaving('a')), remove)).toEqual(['emptying', 'apply await-leaving']);
    expect(step(emptying, release('a'))).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
    expect(step(reach(emptying, release('a')), applied('lower')).at(-1)).toBe('reply c9 ok');
  });

  it('N14 notifies the host at once, and again when it is refused, so that networks that need the place can wait', () => {
    const told = (from: At, event: ActorEvent) => follow(networkMachine, from, event).effects.map(brief);
    expect(told(reach(up, leaving('a')), remove)).toEqual(['tell host forwarding.leave', 'apply await-leaving']);
    expect(told(emptying, overdue)).toEqual(['reply c9 network.in-use', 'tell host forwarding.claim']);
  });

  it('is refused when they have not left in time, and the network does not change', () => {
    expect(step(emptying, overdue)).toEqual(['up', 'reply c9 network.in-use']);
    expect(step(emptying, { ...overdue, at: 4 } as ActorEvent)).toEqual(['emptying']);
    expect(step(reach(up, leaving('a'), remove), failed('await-leaving'))).toEqual(['up', 'reply c9 kernel.refused']);
    expect(step(reach(emptying, overdue), leaseRequest('b'))).toEqual(['up', 'tell container/b lease.granted']);
  });

  it('is refused at once while another member stays, or waits for an address', () => {
    expect(step(reach(up, leaseRequest('b'), leaving('a')), remove)).toEqual(['up', 'reply c9 network.in-use']);
    const held = reach(up, leaving('a'), leaseRequest('b', { staticIps: ['10.89.0.2'] }));
    expect(step(held, remove)).toEqual(['up', 'reply c9 network.in-use']);
  });

  it('makes the network refuse new members and other commands', () => {
    expect(effectsOf(emptying, leaseRequest('b'))).toMatchObject([
      { to: 'container/b', event: { type: 'claim.refused', fault: { code: 'network.busy' } } },
    ]);
    const again: ActorEvent = { type: 'network.remove', command: 'c8', force: true };
    expect(step(emptying, again)).toEqual(['emptying', 'reply c8 network.busy']);
    expect(step(emptying, create('c8'))).toEqual(['emptying', 'reply c8 network.exists']);
  });

  it('makes a container with a definition wait until the network is removed or kept', () => {
    const brought = reach(emptying, leaseRequest('b', { definition: { ...definitionOf(), created: 'later' } }));
    expect(step(brought, overdue)).toEqual(['up', 'reply c9 network.in-use', 'tell container/b lease.granted']);
    expect(step(reach(brought, release('a')), applied('lower')).at(-1)).toBe('apply raise');
  });

  it('continues in the next daemon, and after a reboot', () => {
    expect(step(emptying, recovered(false))).toEqual(['emptying', 'apply adopt', 'apply await-leaving']);
    expect(step(reach(emptying, recovered(false)), release('a'))[0]).toBe('lowering');
    const { effects } = follow(networkMachine, emptying, recovered(false));
    expect(effects.map(brief).filter(isAboutForwarding)).toEqual(['tell host forwarding.leave']);
    expect(step(emptying, recovered(true))).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
    expect(step(reach(emptying, recovered(true)), applied('lower')).at(-1)).toBe('reply c9 ok');
  });

  it('does not interrupt the repair of the device', () => {
    const suspected = reach(emptying, { type: 'drift.suspected' });
    expect(step(suspected, failed('mend'))).toEqual(['emptying', 'announce drift-detected', 'announce degraded']);
    expect(step(reach(suspected, failed('mend')), overdue)).toEqual([
      'degraded',
      'reply c9 network.in-use',
      'apply mend',
    ]);
    expect(step(reach(suspected, applied('mend', [{ link: device }])), overdue)[0]).toBe('up');
  });
});

describe('B6 a forced removal', () => {
  const force: ActorEvent = { type: 'network.remove', command: 'c9', force: true };
  const crowded = reach(up, leaseRequest('b'));
  const emptying = reach(crowded, force, waiting);
  const refused = (container: string): ActorEvent => ({
    type: 'membership.refused',
    container,
    fault: fault('kernel.refused', `${container} cannot leave`, { detail: 'busy' }),
  });

  it('asks every member to leave, and removes the network after they have left', () => {
    expect(step(crowded, force)).toEqual(['emptying', 'apply await-leaving']);
    expect(step(reach(crowded, force), waiting)).toEqual([
      'emptying',
      'tell container/a network.leave',
      'tell container/b network.leave',
    ]);
    expect(step(emptying, release('a'))).toEqual(['emptying']);
    expect(step(emptying, release('a'), release('b'))).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
    expect(step(empty, force)).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
  });

  it('is refused with the fault of a member that cannot leave, and names the members that have left', () => {
    expect(step(emptying, refused('b'))).toEqual(['emptying']);
    expect(effectsOf(reach(emptying, refused('b')), release('a'))).toEqual([
      {
        kind: 'reply',
        command: 'c9',
        fault: fault('kernel.refused', 'b cannot leave', {
          detail: 'busy; containers that have left the network: a',
        }),
      },
    ]);
    const stays = reach(emptying, refused('b'), release('a'));
    expect(stays.context).toMatchObject({ leases: { b: ['10.89.0.3'] }, removal: null });
    expect(step(stays, leaseRequest('c'))).toEqual(['up', 'tell container/c lease.granted']);
  });

  it('names the members that have left when the network cannot be removed after that', () => {
    const refusal = (from: At) => effectsOf(from, failed('lower')).filter(({ kind }) => kind === 'reply');
    const why = fault('kernel.refused', 'refused', { leftBehind: [] });
    const left = reach(emptying, release('a'), release('b'));
    for (const from of [left, reach(left, recovered(true))])
      expect(refusal(from)).toEqual([
        { kind: 'reply', command: 'c9', fault: { ...why, detail: 'containers that have left the network: a, b' } },
      ]);
    expect(refusal(lowering)).toEqual([{ kind: 'reply', command: 'c9', fault: why }]);
  });

  it('is refused when a member does not answer in time', () => {
    expect(step(reach(emptying, release('a')), overdue)).toEqual(['up', 'reply c9 network.in-use']);
    expect(effectsOf(crowded, force).at(-1)).toMatchObject({ plan: { steps: [{ withinMs: 10_000 }] } });
  });

  it('refuses the containers that wait to join', () => {
    const held = reach(up, leaving('a'), leaseRequest('b', { staticIps: ['10.89.0.2'] }));
    expect(step(held, force)).toEqual(['emptying', 'tell container/b claim.refused', 'apply await-leaving']);
  });

  it('is refused before any member is asked to leave when the deadline cannot be set', () => {
    expect(step(reach(crowded, force), failed('await-leaving'))).toEqual(['up', 'reply c9 kernel.refused']);
  });

  it('continues after a restart of the daemon', () => {
    const next = reach(emptying, release('a'), recovered(false));
    expect(step(next, release('b'))[0]).toBe('lowering');
  });
});

describe('B6 the removal of unused networks', () => {
  const prune: ActorEvent = { type: 'network.prune', command: null };
  const answer = (from: At, ...events: ActorEvent[]) => {
    for (const event of events.slice(0, -1)) from = reach(from, event);
    const told = effectsOf(from, events.at(-1) as ActorEvent);
    return told.flatMap((effect) => (effect.kind === 'tell' && effect.to === 'host' ? [effect.event] : []));
  };
  const pruned = (isRemoved: boolean) => ({ type: 'network.pruned', network: 'demo', isRemoved });

  it('removes an unused network and notifies the host', () => {
    for (const from of [empty, defined]) {
      expect(step(from, prune)).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
      expect(answer(from, prune, applied('lower'))).toContainEqual(pruned(true));
    }
    expect(step(reach(empty, prune), applied('lower'))).not.toContain('reply null ok');
  });

  it('does not remove a network that is in use, busy or unknown', () => {
    for (const from of [start, claiming, defining, raising, up, lowering])
      expect([answer(from, prune), stateName(reach(from, prune).value)]).toEqual([
        [pruned(false)],
        stateName(from.value),
      ]);
  });

  it('waits for leaving members, which their engine has removed already', () => {
    const emptying = reach(up, leaving('a'), prune, waiting);
    expect(stateName(emptying.value)).toBe('emptying');
    expect(answer(emptying, release('a'), applied('lower'))).toContainEqual(pruned(true));
    expect(answer(emptying, overdue)).toEqual([pruned(false)]);
  });

  it('reports the fault when a network cannot be removed', () => {
    expect(answer(empty, prune, failed('lower'))).toMatchObject(
      [{ isRemoved: false, fault: { code: 'kernel.refused' } }, { type: 'forwarding.release' }].slice(0, 1),
    );
  });

  it('is answered once when it is requested twice', () => {
    expect(answer(reach(empty, prune), prune)).toEqual([]);
    expect(answer(reach(up, leaving('a'), prune), prune)).toEqual([]);
  });
});
