import { describe, expect, it } from 'vitest';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { definitionOf } from '../core/samples.ts';
import {
  type At,
  defined,
  effectsOf,
  empty,
  isTransient,
  raised,
  raising,
  reach,
  release,
  start,
  step,
  up,
  update,
} from './network-walk.ts';
import { device, foreignDefinition, leaseRequest } from './terrains/network.ts';
import { applied, failed, recovered, stateName } from './walk.ts';

describe('N19 a network whose engine wants no rules', () => {
  const ruled = { ...definitionOf(), created: 'later' };
  const unruled: typeof ruled = { ...ruled, firewall: 'none' };
  const withRules = leaseRequest('b', { definition: ruled });
  const withoutRules = leaseRequest('b', { definition: unruled });
  const firewallOf = ({ context }: At) => context.definition?.firewall;

  it('is raised without rules when it has no members', () => {
    expect(firewallOf(reach(defined, withoutRules, raised))).toBe('none');
    // the bridge is being made with rules for another container
    expect(firewallOf(reach(raising, withoutRules, raised))).toBeUndefined();
  });

  it('removes or restores its rules before its next first member joins, and writes no file', () => {
    expect(step(empty, withoutRules)).toEqual(['updating', 'apply update']);
    const [update] = effectsOf(empty, withoutRules);
    expect(JSON.stringify(update)).toContain('nft.replace');
    expect(JSON.stringify(update)).not.toContain('definition.write');
    const changing = reach(empty, withoutRules);
    expect(step(changing, applied('update'))).toEqual([
      'up',
      'announce updated',
      'reply null ok',
      'tell container/b lease.granted',
    ]);
    const without = reach(changing, applied('update'));
    expect(firewallOf(without)).toBe('none');
    const back = reach(without, release('b'), withRules, applied('update'));
    expect(firewallOf(back)).toBeUndefined();
  });

  const unruledUp = reach(empty, withoutRules, applied('update'));
  const abandoned = reach(unruledUp, release('b'));

  it('keeps its firewall while it has members', () => {
    expect(step(up, withoutRules)).toEqual(['up', 'tell container/b lease.granted']);
    expect(step(unruledUp, leaseRequest('c'))).toEqual(['up', 'tell container/c lease.granted']);
    expect(firewallOf(reach(unruledUp, leaseRequest('c')))).toBe('none');
  });

  it('N19 refuses the containers that wait for another firewall when that cannot be made, and none joins under the former one', () => {
    for (const [from, request, firewall] of [
      [empty, withoutRules, undefined],
      [abandoned, withRules, 'none'],
    ] as const) {
      const failing = reach(from, request);
      expect(step(failing, failed('update'))).toEqual(['up', 'announce failed', 'tell container/b claim.refused']);
      const after = reach(failing, failed('update'));
      expect([firewallOf(after), after.context.leases, after.context.waiting]).toEqual([firewall, {}, []]);
    }
  });

  it('N19 has rules again for a container without an engine, whatever the engine of a former member wanted', () => {
    expect(step(abandoned, leaseRequest('c'))).toEqual(['updating', 'apply update']);
    expect(firewallOf(reach(abandoned, leaseRequest('c'), applied('update')))).toBeUndefined();
    const down = reach(defined, withoutRules, failed('raise'));
    expect(firewallOf(reach(down, leaseRequest('c'), raised))).toBeUndefined();
  });

  it('N19 also changes its firewall for a container that joins during another change', () => {
    const closing = reach(up, leaseRequest('p', { onLoopback: true }), release('a'), release('p'));
    const suspected = reach(empty, { type: 'drift.suspected' });
    for (const [busy, done] of [
      [closing, applied('close')],
      [reach(suspected, failed('mend')), applied('mend', [{ link: device }])],
      [reach(empty, update), applied('update')],
    ] as const) {
      const changing = reach(busy, withoutRules, done);
      expect(stateName(changing.value)).toBe('updating');
      expect(step(changing, applied('update')).at(-1)).toBe('tell container/b lease.granted');
      expect(firewallOf(reach(changing, applied('update')))).toBe('none');
    }
    expect(firewallOf(reach(reach(defined, update), withoutRules, applied('update'), raised))).toBe('none');
    // the container for which it is raised gives up
    const taken = reach(raising, release('a'), withoutRules, raised);
    expect([stateName(taken.value), firewallOf(reach(taken, applied('update')))]).toEqual(['updating', 'none']);
  });
});

describe('a network without a file', () => {
  const asked = leaseRequest('a', { definition: foreignDefinition });
  const given = reach(start, asked, raised);

  it('is raised for the first container that brings its definition, and writes no file', () => {
    expect(step(start, asked)).toEqual(['raising', 'announce created', 'apply raise']);
    expect(given.context).toMatchObject({ definition: foreignDefinition });
  });

  it('is removed with its bridge after the last member has left', () => {
    const crowded = reach(given, leaseRequest('b'));
    expect(step(crowded, release('a'))).toEqual(['up']);
    expect(step(reach(crowded, release('a')), release('b'))).toEqual([
      'lowering',
      'announce tearing-down',
      'apply lower',
    ]);
  });

  it('is removed when the first member is refused, or when its bridge cannot be made', () => {
    const wrong = leaseRequest('a', { definition: foreignDefinition, staticIps: ['192.0.2.1'] });
    expect(stateName(reach(start, wrong, raised).value)).toBe('lowering');
    expect(step(reach(start, asked), failed('raise'))).toEqual([
      'lowering',
      'announce failed',
      'tell container/a claim.refused',
      'announce tearing-down',
      'apply lower',
    ]);
  });

  it('is kept when its file is found', () => {
    const found: ActorEvent = { type: 'definition.found', definition: foreignDefinition };
    expect(stateName(reach(given, found, release('a')).value)).toBe('up');
  });

  it('is kept when its file is found while its bridge is made', () => {
    const found: ActorEvent = { type: 'definition.found', definition: foreignDefinition };
    const filed = reach(start, asked, found, raised);
    expect([stateName(filed.value), isTransient(filed)]).toEqual(['up', false]);
    expect(step(filed, release('a'))).toEqual(['up']);
  });

  it('is removed after a reboot, whatever was under way', () => {
    const degraded = reach(given, recovered(false), failed('adopt'));
    for (const from of [reach(start, asked), given, reach(given, update), degraded])
      expect(step(from, recovered(true), applied('lower'))).toEqual([
        'removed',
        'tell host subnet.release',
        'announce removed',
        'reply null ok',
      ]);
    expect(step(reach(given, update), recovered(true))[1]).toBe('reply c5 network.busy');
  });

  it('is taken down by the next daemon when an earlier takedown failed', () => {
    const left = reach(given, release('a'), failed('lower'));
    expect([stateName(left.value), ...step(left, recovered(false))]).toEqual([
      'defined',
      'lowering',
      'announce tearing-down',
      'apply lower',
    ]);
  });

  it('is raised again for a container that requests it while it is taken down', () => {
    expect(step(reach(given, release('a'), asked), applied('lower'))).toEqual([
      'raising',
      'announce removed',
      'reply null ok',
      'announce created',
      'apply raise',
    ]);
  });
});

describe('a definition that a member brings', () => {
  const asked = leaseRequest('c', { definition: foreignDefinition });

  it('is refused while containers use the network with another one', () => {
    expect(step(up, asked)).toEqual(['up', 'tell container/c claim.refused']);
  });

  it('replaces the definition of a network without members', () => {
    expect(step(empty, asked)).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
    expect(reach(empty, asked, applied('lower')).context.definition).toEqual(foreignDefinition);
    expect(step(reach(empty, asked), failed('lower')).at(-1)).toBe('tell container/c claim.refused');
  });

  it('counts as the same when only its creation time and labels differ', () => {
    const same = leaseRequest('c', { definition: { ...definitionOf(), created: 'later', labels: { a: 'b' } } });
    expect(step(up, same)).toEqual(['up', 'tell container/c lease.granted']);
  });
});
