import { describe, expect, it } from 'vitest';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { definitionOf } from '../core/samples.ts';
import {
  defined,
  effectsOf,
  empty,
  granted,
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
  update,
  waiting,
} from './network-walk.ts';
import { device, foreignDefinition, leaseRequest, networkWish } from './terrains/network.ts';
import { applied, failed, recovered, stateName } from './walk.ts';

describe('a change of the network file', () => {
  const servers = { ...definitionOf(), network_dns_servers: ['192.0.2.53'] };
  const found: ActorEvent = { type: 'definition.found', definition: servers };
  const lost: ActorEvent = { type: 'definition.lost' };
  const asks = ['tell container/a drift.suspected', 'tell container/a membership.asked'];
  it('takes effect after the bridge is made', () => {
    expect(step(raising, found, raised)).toEqual([
      'updating',
      'announce configured',
      'tell container/a lease.granted',
      'apply update',
    ]);
    expect(step(raising, lost, raised).slice(-2)).toEqual(asks);
    expect(step(raising, found, lost, raised).slice(-2)).toEqual(asks);
  });

  it('takes effect after a network change that is under way', () => {
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

  it('takes effect when that change fails, and after a reboot', () => {
    expect(stateName(reach(reach(up, update), found, failed('update')).value)).toBe('updating');
    expect(step(raising, lost, recovered(true)).slice(0, 2)).toEqual(['lowering', 'announce tearing-down']);
  });
});

describe('the file of another network with the same name', () => {
  const other = { ...definitionOf(), subnets: [{ subnet: '10.98.0.0/24', gateway: '10.98.0.1' }] };
  const found: ActorEvent = { type: 'definition.found', definition: other };
  it('C06 replaces a network without members, and is not rewritten', () => {
    for (const from of [defined, empty]) {
      const [lower] = effectsOf(from, found).filter(({ kind }) => kind === 'apply');
      expect(lower).toMatchObject({ plan: { purpose: { kind: 'lower' } } });
      expect(JSON.stringify(lower)).not.toMatch(/definition\./);
      const after = reach(from, found, applied('lower'));
      expect([stateName(after.value), after.context.definition]).toEqual(['defined', other]);
    }
  });

  it('C06 replaces the network after a change that is under way', () => {
    const after = reach(defined, update, found, applied('update'));
    expect(stateName(after.value)).toBe('lowering');
    expect(reach(after, applied('lower')).context.definition).toEqual(other);
  });

  it('C06 changes nothing while containers use the network', () => {
    expect(step(up, found)).toEqual(['up']);
    expect(reach(up, found).context.definition).toEqual(up.context.definition);
  });

  it('N14 replaces a network in use after the last container has left, whatever happened in the meantime', () => {
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

  it('N14 does not repeat a failed takedown of the former network until the daemon restarts', () => {
    const stuck = reach(up, found, release('a'));
    expect(step(stuck, failed('lower'))[0]).toBe('defined');
    expect(step(stuck, failed('lower'))).not.toContain('apply lower');
    expect(step(reach(stuck, failed('lower')), recovered(false))).toContain('apply lower');
    expect(reach(stuck, failed('lower'), recovered(false), applied('lower')).context.definition).toEqual(other);
  });

  it('N14 does not replace the network when the file is restored or deleted, or after a reboot', () => {
    const asBefore: ActorEvent = { type: 'definition.found', definition: definitionOf() };
    expect(step(reach(up, found, asBefore), release('a'))).toEqual(['up']);
    expect(reach(up, found, { type: 'definition.lost' }, release('a'), applied('lower')).value).toBe('removed');
    expect(reach(up, found, recovered(true)).context.successor).toBeNull();
  });

  it('N14 counts as another network when only its ipam driver or ipv6_enabled differs', () => {
    const macvlan = definitionOf({ driver: 'macvlan', subnets: [], ipam_options: { driver: 'none' } }, 'eth0');
    const known = reach(start, { type: 'definition.found', definition: macvlan });
    expect(step(known, { type: 'definition.found', definition: { ...macvlan, labels: { a: 'b' } } })).toEqual([
      'defined',
    ]);
    for (const more of [{ ipam_options: { driver: 'dhcp' } as const }, { ipv6_enabled: true }])
      expect(step(known, { type: 'definition.found', definition: { ...macvlan, ...more } })[0]).toBe('lowering');
  });

  it('C06 is not overwritten when its name servers differ as well', () => {
    const servers = { ...other, network_dns_servers: ['192.0.2.53'] };
    const [apply] = effectsOf(up, { type: 'definition.found', definition: servers });
    expect(JSON.stringify(apply)).not.toMatch(/definition\./);
  });
});

describe('a network file that is deleted while the network has members', () => {
  const lost: ActorEvent = { type: 'definition.lost' };
  const lives: ActorEvent = { type: 'membership.confirmed', container: 'a' };

  it('C10 is restored only after a member confirms that it is alive', () => {
    expect(step(up, lost)).toEqual(['up', 'tell container/a drift.suspected', 'tell container/a membership.asked']);
    expect(step(reach(up, lost), lives)).toEqual(['up', 'apply define']);
    expect(step(reach(up, lost, lives), lives)).toEqual(['up']);
    expect(isTransient(reach(up, lost, lives, applied('define')))).toBe(false);
    expect(isTransient(reach(up, lost, lives, failed('define')))).toBe(true);
  });

  it('C10 leads to the removal of the network when it cannot be restored and the last member has left', () => {
    const stuck = reach(up, lost, lives, failed('define'));
    expect(step(stuck, release('a'))).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
    const written = reach(up, lost, lives, release('a'));
    expect(step(written, failed('define'))[0]).toBe('lowering');
    expect(step(written, applied('define'))[0]).toBe('up');
    expect(step(reach(up, lost, lives), recovered(true))[0]).toBe('lowering');
  });

  it('C10 leads to the removal of the network after the last member has left', () => {
    expect(step(reach(up, lost), release('a'))).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
    expect(step(reach(up, leaseRequest('b'), lost), release('a'))).toEqual(['up']);
  });

  it('C10 makes the network ask its members again when one confirms during a change', () => {
    expect(step(reach(up, lost, update), lives, applied('update')).slice(-2)).toEqual([
      'tell container/a drift.suspected',
      'tell container/a membership.asked',
    ]);
  });
});

describe('B8 a network file that is deleted while members are leaving', () => {
  const lost: ActorEvent = { type: 'definition.lost' };
  const emptying = reach(up, leaving('a'), lost, waiting);

  it('C10 leads to the removal of the network after they have left, and no member is asked', () => {
    expect(step(reach(up, leaving('a')), lost)).toEqual(['emptying', 'apply await-leaving']);
    expect(step(emptying, release('a'))).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
    const [, lower] = effectsOf(emptying, release('a'));
    expect(JSON.stringify(lower)).not.toContain('definition.remove');
  });

  it('C10 makes the network ask whether they are alive when they have not left in time', () => {
    expect(step(emptying, overdue)).toEqual([
      'up',
      'tell container/a drift.suspected',
      'tell container/a membership.asked',
    ]);
    expect(isTransient(reach(emptying, overdue))).toBe(true);
    const found: ActorEvent = { type: 'definition.found', definition: definitionOf() };
    const twice = reach(up, lost, leaving('a'), lost, found);
    expect([stateName(twice.value), isTransient(twice)]).toEqual(['up', false]);
  });

  it('has no effect when the file is restored, and leads to a replacement by the file of another network', () => {
    const found = (definition: typeof foreignDefinition): ActorEvent => ({ type: 'definition.found', definition });
    expect(step(emptying, found(definitionOf() as typeof foreignDefinition))).toEqual(['up']);
    const other = reach(emptying, found(foreignDefinition));
    expect(stateName(other.value)).toBe('emptying');
    expect(reach(other, release('a'), applied('lower')).context.definition).toEqual(foreignDefinition);
  });

  it('does not prevent a command from removing the network', () => {
    expect(step(emptying, remove)).toEqual(['emptying', 'apply await-leaving']);
    expect(step(reach(emptying, remove, release('a')), applied('lower')).at(-1)).toBe('reply c9 ok');
  });

  it('takes effect after a change of the network', () => {
    const changing = reach(up, leaving('a'), update, lost);
    expect(step(changing, applied('update'))[0]).toBe('emptying');
  });
});

it('a network file that is found again while its network is taken down defines that network', () => {
  const found: ActorEvent = { type: 'definition.found', definition: definitionOf() };
  const after = reach(empty, { type: 'definition.lost' }, found, applied('lower'));
  expect([stateName(after.value), isTransient(after)]).toEqual(['defined', false]);
});

it('C13 a network without DNS accepts no name servers, and removes existing ones on request', () => {
  const update = (addDnsServers: string[], removeDnsServers: string[] = []): ActorEvent => ({
    type: 'network.update',
    command: 'c5',
    addDnsServers,
    removeDnsServers,
  });
  const silent = { ...granted, type: 'subnet.granted' } as const;
  const wish = { ...networkWish, dnsEnabled: false };
  const made = reach(start, { type: 'network.create', command: 'c1', wish, created: 'now' }, silent, applied('define'));
  expect(step(made, update(['9.9.9.9']))).toEqual(['defined', 'reply c5 payload.invalid']);
  expect(step(made, update([], ['9.9.9.9']))).toEqual(['updating', 'apply update']);
});
