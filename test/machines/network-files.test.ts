import { describe, expect, it } from 'vitest';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { definitionOf } from '../core/samples.ts';
import {
  defined,
  effectsOf,
  empty,
  isTransient,
  leaving,
  overdue,
  raised,
  raising,
  reach,
  release,
  remove,
  start,
  step,
  up,
  waiting,
} from './network-walk.ts';
import { device, foreignDefinition, leaseRequest } from './terrains.ts';
import { applied, failed, recovered, stateName } from './walk.ts';

describe('what is told of its file', () => {
  const servers = { ...definitionOf(), network_dns_servers: ['192.0.2.53'] };
  const found: ActorEvent = { type: 'definition.found', definition: servers };
  const lost: ActorEvent = { type: 'definition.lost' };
  const asks = ['tell container/a drift.suspected', 'tell container/a membership.asked'];
  const update: ActorEvent = {
    type: 'network.update',
    command: 'c5',
    addDnsServers: ['9.9.9.9'],
    removeDnsServers: [],
  };

  it('while the bridge is made is heard when it is up', () => {
    expect(step(raising, found, raised)).toEqual([
      'updating',
      'announce configured',
      'tell container/a lease.granted',
      'apply update',
    ]);
    expect(step(raising, lost, raised).slice(-2)).toEqual(asks);
    expect(step(raising, found, lost, raised).slice(-2)).toEqual(asks);
  });

  it('while it is changed is heard afterwards', () => {
    const changing = reach(up, update);
    const after = reach(changing, found, applied('update'));
    expect(stateName(after.value)).toBe('updating');
    expect(reach(after, applied('update')).context.definition?.network_dns_servers).toEqual(['192.0.2.53']);
    expect(step(changing, lost, applied('update')).slice(-2)).toEqual(asks);
    expect(step(reach(defined, update), lost, applied('update'))).toEqual([
      'lowering',
      'announce updated',
      'reply c5 ok',
      'announce tearing-down',
      'apply lower',
    ]);
  });

  it('is heard, too, where the change failed, or went with the host', () => {
    expect(stateName(reach(reach(up, update), found, failed('update')).value)).toBe('updating');
    expect(step(raising, lost, recovered(true)).slice(0, 2)).toEqual(['lowering', 'announce tearing-down']);
  });
});

describe('the file of another network of that name', () => {
  const other = { ...definitionOf(), subnets: [{ subnet: '10.98.0.0/24', gateway: '10.98.0.1' }] };
  const found: ActorEvent = { type: 'definition.found', definition: other };
  const update: ActorEvent = {
    type: 'network.update',
    command: 'c5',
    addDnsServers: ['9.9.9.9'],
    removeDnsServers: [],
  };

  it('C06 takes the place of the one that is known, and stays as it is', () => {
    for (const from of [defined, empty]) {
      const [lower] = effectsOf(from, found).filter(({ kind }) => kind === 'apply');
      expect(lower).toMatchObject({ plan: { purpose: { kind: 'lower' } } });
      expect(JSON.stringify(lower)).not.toMatch(/definition\./);
      const after = reach(from, found, applied('lower'));
      expect([stateName(after.value), after.context.definition]).toEqual(['defined', other]);
    }
  });

  it('C06 takes its place when a change is done', () => {
    const after = reach(defined, update, found, applied('update'));
    expect(stateName(after.value)).toBe('lowering');
    expect(reach(after, applied('lower')).context.definition).toEqual(other);
  });

  it('C06 changes nothing of one that containers use', () => {
    expect(step(up, found)).toEqual(['up']);
    expect(reach(up, found).context.definition).toEqual(up.context.definition);
  });

  it('N14 takes the place of one that containers used when the last of them has left, whatever came meanwhile', () => {
    const mended: ActorEvent = { type: 'drift.suspected' };
    const degraded = reach(up, mended, found, failed('mend'));
    expect(stateName(degraded.value)).toBe('degraded');
    for (const used of [
      reach(up, found),
      reach(raising, found, raised),
      reach(reach(up, update), found, applied('update'), applied('update')),
      reach(up, found, recovered(false), applied('adopt', [{ link: device }])),
      degraded,
    ]) {
      expect(step(reach(used, leaseRequest('b')), release('b'))[0]).toBe(stateName(used.value));
      expect(step(used, release('a'))).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
      const after = reach(used, release('a'), applied('lower'));
      expect([stateName(after.value), after.context.definition, after.context.successor]).toEqual([
        'defined',
        other,
        null,
      ]);
    }
  });

  it('N14 does not take down its predecessor again and again where that fails', () => {
    const stuck = reach(up, found, release('a'));
    expect(step(stuck, failed('lower'))[0]).toBe('defined');
    expect(step(stuck, failed('lower'))).not.toContain('apply lower');
    expect(step(reach(stuck, failed('lower')), recovered(false))).toContain('apply lower');
    expect(reach(stuck, failed('lower'), recovered(false), applied('lower')).context.definition).toEqual(other);
  });

  it('N14 takes no place when it is as it was again, or vanishes, or the host has started anew', () => {
    const asBefore: ActorEvent = { type: 'definition.found', definition: definitionOf() };
    expect(step(reach(up, found, asBefore), release('a'))).toEqual(['up']);
    expect(reach(up, found, { type: 'definition.lost' }, release('a'), applied('lower')).value).toBe('removed');
    expect(reach(up, found, recovered(true)).context.successor).toBeNull();
  });

  it('N14 is another network by its ipam driver, or by ipv6_enabled, alone', () => {
    const macvlan = definitionOf({ driver: 'macvlan', subnets: [], ipam_options: { driver: 'none' } }, 'eth0');
    const known = reach(start, { type: 'definition.found', definition: macvlan });
    expect(step(known, { type: 'definition.found', definition: { ...macvlan, labels: { a: 'b' } } })).toEqual([
      'defined',
    ]);
    for (const more of [{ ipam_options: { driver: 'dhcp' } as const }, { ipv6_enabled: true }])
      expect(step(known, { type: 'definition.found', definition: { ...macvlan, ...more } })[0]).toBe('lowering');
  });

  it('C06 is not written over where other resolvers are in it, too', () => {
    const servers = { ...other, network_dns_servers: ['192.0.2.53'] };
    const [apply] = effectsOf(up, { type: 'definition.found', definition: servers });
    expect(JSON.stringify(apply)).not.toMatch(/definition\./);
  });
});

describe('a file that vanishes while there are members', () => {
  const lost: ActorEvent = { type: 'definition.lost' };
  const lives: ActorEvent = { type: 'membership.confirmed', container: 'a' };

  it('C10 comes back when one of them confirms that it lives, and not before', () => {
    expect(step(up, lost)).toEqual(['up', 'tell container/a drift.suspected', 'tell container/a membership.asked']);
    expect(step(reach(up, lost), lives)).toEqual(['up', 'apply define']);
    expect(step(reach(up, lost, lives), lives)).toEqual(['up']);
    expect(isTransient(reach(up, lost, lives))).toBe(false);
  });

  it('C10 takes the network with it when the last of them leaves', () => {
    expect(step(reach(up, lost), release('a'))).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
    expect(step(reach(up, leaseRequest('b'), lost), release('a'))).toEqual(['up']);
  });

  it('C10 is asked after again where a member confirms while the network is changed', () => {
    const update: ActorEvent = {
      type: 'network.update',
      command: 'c5',
      addDnsServers: ['9.9.9.9'],
      removeDnsServers: [],
    };
    expect(step(reach(up, lost, update), lives, applied('update')).slice(-2)).toEqual([
      'tell container/a drift.suspected',
      'tell container/a membership.asked',
    ]);
  });
});

describe('B8 a file that vanishes while members are leaving', () => {
  const lost: ActorEvent = { type: 'definition.lost' };
  const emptying = reach(up, leaving('a'), lost, waiting);

  it('C10 takes the network with it when they have left; nothing is asked', () => {
    expect(step(reach(up, leaving('a')), lost)).toEqual(['emptying', 'apply await-leaving']);
    expect(step(emptying, release('a'))).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
    const [, lower] = effectsOf(emptying, release('a'));
    expect(JSON.stringify(lower)).not.toContain('definition.remove');
  });

  it('C10 asks them whether they live when they have not left in time', () => {
    expect(step(emptying, overdue)).toEqual([
      'up',
      'tell container/a drift.suspected',
      'tell container/a membership.asked',
    ]);
    expect(isTransient(reach(emptying, overdue))).toBe(true);
  });

  it('is as it was when the file is back, and another one when that is of another network', () => {
    const found = (definition: typeof foreignDefinition): ActorEvent => ({ type: 'definition.found', definition });
    expect(step(emptying, found(definitionOf() as typeof foreignDefinition))).toEqual(['up']);
    const other = reach(emptying, found(foreignDefinition));
    expect(stateName(other.value)).toBe('emptying');
    expect(reach(other, release('a'), applied('lower')).context.definition).toEqual(foreignDefinition);
  });

  it('is removed by a command that comes meanwhile', () => {
    expect(step(emptying, remove)).toEqual(['emptying', 'apply await-leaving']);
    expect(step(reach(emptying, remove, release('a')), applied('lower')).at(-1)).toBe('reply c9 ok');
  });

  it('is heard after a change of the network', () => {
    const update: ActorEvent = {
      type: 'network.update',
      command: 'c5',
      addDnsServers: ['9.9.9.9'],
      removeDnsServers: [],
    };
    const changing = reach(up, leaving('a'), update, lost);
    expect(step(changing, applied('update'))[0]).toBe('emptying');
  });
});
