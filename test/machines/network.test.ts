import { describe, expect, it } from 'vitest';
import type { Effect } from '../../machines/effect.ts';
import { type NetworkContext, networkMachine } from '../../machines/network/chart.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { fault } from '../../src/core/fault.ts';
import { macOfAddress } from '../../src/core/object-names.ts';
import { definitionOf } from '../core/samples.ts';
import { device, foreignDefinition, leaseRequest, networkWish } from './terrains.ts';
import { applied, begin, brief, failed, follow, recovered, type Snapshot, stateName } from './walk.ts';

type At = Snapshot<NetworkContext>;

const { network_interface: bridge, subnets } = definitionOf();
const create = (command = 'c1'): ActorEvent => ({ type: 'network.create', command, wish: networkWish, created: 'now' });
const remove: ActorEvent = { type: 'network.remove', command: 'c9' };
const raised = applied('raise', [{ link: device }]);
const release = (container: string): ActorEvent => ({ type: 'lease.release', container });
const forwarded: ActorEvent = { type: 'forwarding.granted' };

/** Where the host is asked to forward it does so at once; its own test is below. */
function followed(from: At, ...events: ActorEvent[]): { next: At; effects: Effect[] } {
  let taken: { next: At; effects: Effect[] } = { next: from, effects: [] };
  for (const event of events) {
    taken = follow(networkMachine, taken.next, event);
    if (stateName(taken.next.value) !== 'routing') continue;
    const { next, effects } = follow(networkMachine, taken.next, forwarded);
    taken = { next, effects: [...taken.effects, ...effects] };
  }
  return taken;
}
const isTransient = (at: At): boolean => at.matches({ present: { definition: 'transient' } });
const isAboutForwarding = (line: string) => line.startsWith('tell host forwarding.');
const reach = (from: At, ...events: ActorEvent[]): At => followed(from, ...events).next;

const start: At = begin(networkMachine, { name: 'demo', searchDomain: 'dns.netloom', node: 'testnode' });
const claiming = reach(start, create());
const granted: ActorEvent = { type: 'subnet.granted', bridge, subnets };
const defining = reach(claiming, granted);
const defined = reach(defining, applied('define'));
const raising = reach(defined, leaseRequest('a'));
const up = reach(raising, raised);
const empty = reach(up, release('a'));
const lowering = reach(empty, remove);

function step(from: At, ...events: ActorEvent[]): string[] {
  const { next, effects } = followed(from, ...events);
  return [stateName(next.value), ...effects.map(brief).filter((line) => !isAboutForwarding(line))];
}
const effectsOf = (from: At, event: ActorEvent): Effect[] =>
  followed(from, event).effects.filter((effect) => !isAboutForwarding(brief(effect)));

describe('a network that is wished for', () => {
  it('asks the host for subnets and a bridge name', () => {
    expect(step(start, create())).toEqual(['claiming', 'tell host subnet.claim']);
  });

  it('is defined by what the host grants; nothing is in the kernel yet', () => {
    expect(step(claiming, granted)).toEqual(['defining', 'apply define']);
    expect(step(defining, applied('define'))).toEqual(['defined', 'announce created', 'reply c1 ok']);
  });

  it('is forgotten when the host refuses', () => {
    expect(step(claiming, { type: 'subnet.refused', fault: fault('subnet.taken', 'taken') })).toEqual([
      'absent',
      'announce failed',
      'reply c1 subnet.taken',
    ]);
  });

  const ofDefault = (container: string) => leaseRequest(container, { madeAt: 'now' });

  it('P10 is made when the first container asks it for a lease, which waits until it is up', () => {
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

  it('P10 is not made anew where there is one', () => {
    expect(reach(claiming, ofDefault('a')).context.wish).toEqual(claiming.context.wish);
    for (const from of [claiming, defining]) expect(step(from, ofDefault('a'))).toEqual([stateName(from.value)]);
    for (const from of [defined, raising, up])
      expect(reach(from, ofDefault('a')).context.definition).toEqual(from.context.definition);
  });

  it('P10 is made anew for containers that ask for it while it is taken down, and only then', () => {
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

  it('P10 gives way to a file of its name that is found while it is taken down', () => {
    const found: ActorEvent = { type: 'definition.found', definition: foreignDefinition };
    expect(reach(lowering, ofDefault('b'), found, applied('lower')).context).toMatchObject({
      definition: foreignDefinition,
    });
  });

  it('P10 is forgotten when the host refuses, and the container is told why', () => {
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

  it('twice is refused', () => {
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

  it('has no device before the host forwards for it', () => {
    expect(plainly(defined, leaseRequest('a'))).toEqual(['routing', 'tell host forwarding.claim']);
    expect(plainly(routing, forwarded)).toEqual(['raising', 'apply raise']);
  });

  it('refuses who waits when the host cannot', () => {
    expect(plainly(routing, leaseRequest('b'), refused)).toEqual([
      'defined',
      'announce failed',
      'tell container/a claim.refused',
      'tell container/b claim.refused',
    ]);
  });

  it('gives it up when its device is gone, or could not be made', () => {
    expect(plainly(lowering, applied('lower'))).toContain('tell host forwarding.release');
    expect(plainly(raising, failed('raise'))).toContain('tell host forwarding.release');
  });

  it('gives it up when a reboot came before the answer', () => {
    expect(plainly(routing, recovered(true))).toEqual(['defined']);
    expect(plainly(routing, recovered(true), forwarded)).toEqual(['defined', 'tell host forwarding.release']);
    expect(plainly(up, forwarded)).toEqual(['up']);
  });

  it('claims it again when the daemon is another: its host may know nothing of it', () => {
    expect(plainly(up, recovered(false))).toEqual(['up', 'tell host forwarding.claim', 'apply adopt']);
  });

  const found = (request: Parameters<typeof definitionOf>[0]): At => {
    const start: ActorEvent = { type: 'definition.found', definition: definitionOf(request) };
    return follow(networkMachine, begin(networkMachine, { name: 'demo', searchDomain: 'x', node: 'testnode' }), start)
      .next as At;
  };

  it('is not one upon the link of somebody else', () => {
    const macvlan = found({ driver: 'macvlan', subnets: [{ subnet: '10.89.0.0/24' }] });
    expect(plainly(macvlan, leaseRequest('a'))).toEqual(['raising', 'apply raise']);
  });

  it('N14 asks for its place, also where the host need not forward for it', () => {
    const { effects } = follow(networkMachine, found({ internal: true }), leaseRequest('a'));
    const place = { network: 'demo', use: 'alone', subnets };
    expect(effects).toMatchObject([{ event: { type: 'forwarding.claim', families: [], place, isBrought: false } }]);
  });

  it('N14 tells the host that it goes: whoever needs its place waits', () => {
    expect(plainly(reach(up, release('a')), remove)).toContain('tell host forwarding.leave');
  });
});

describe('the first member', () => {
  it('makes it raise its bridge', () => {
    expect(step(defined, leaseRequest('a'))).toEqual(['raising', 'apply raise']);
  });

  it('waits with all who come meanwhile, and each gets an address of its own', () => {
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

  it('is refused with all who wait when the bridge cannot be made', () => {
    expect(step(raising, leaseRequest('b'), failed('raise'))).toEqual([
      'defined',
      'announce failed',
      'tell container/a claim.refused',
      'tell container/b claim.refused',
    ]);
  });

  it('that gives up meanwhile gets nothing', () => {
    expect(step(raising, release('a'), raised)).toEqual(['up', 'announce configured']);
  });
});

describe('leases', () => {
  it('are granted at once while the bridge is up, with all that a plan needs to know', () => {
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

  it('are not given again at once', () => {
    expect(reach(up, release('a'), leaseRequest('b')).context.leases).toEqual({ b: ['10.89.0.3'] });
  });

  it('are kept by who asks again', () => {
    expect(reach(up, leaseRequest('b'), leaseRequest('a')).context.leases).toEqual({
      a: ['10.89.0.2'],
      b: ['10.89.0.3'],
    });
  });

  it('A04 that were asked for and are taken are refused', () => {
    expect(effectsOf(up, leaseRequest('b', { staticIps: ['10.89.0.2'] }))).toMatchObject([
      { to: 'container/b', event: { type: 'claim.refused', fault: { code: 'address.taken' } } },
    ]);
  });

  it('of a network that is not there are refused', () => {
    for (const from of [start, claiming, lowering])
      expect(effectsOf(from, leaseRequest('b'))).toMatchObject([{ event: { fault: { code: 'network.unknown' } } }]);
  });
});

describe('removal', () => {
  it('is refused while it has members, also such as wait, and some are named', () => {
    expect(step(up, remove)).toEqual(['up', 'reply c9 network.in-use']);
    expect(step(raising, remove)).toEqual(['raising', 'reply c9 network.busy']);
    const full = reach(up, ...['b', 'c', 'd', 'e', 'f', 'g'].map((id) => leaseRequest(id)));
    expect(effectsOf(full, remove)).toMatchObject([
      {
        fault: { message: 'network demo is used by a, b, c, d, e and 2 more: disconnect them, or force it (--force)' },
      },
    ]);
  });

  it('takes the bridge down, gives the subnets back and answers', () => {
    expect(step(empty, remove)).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
    expect(step(lowering, applied('lower'))).toEqual([
      'removed',
      'tell host subnet.release',
      'announce removed',
      'reply c9 ok',
    ]);
  });

  it('that fails leaves it defined, to be tried again', () => {
    expect(step(lowering, failed('lower'))).toEqual(['defined', 'announce failed', 'reply c9 kernel.refused']);
    expect(step(lowering, failed('lower'), remove)).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
  });

  it('is not taken for done by the result of a mending', () => {
    expect(step(lowering, applied('mend'))).toEqual(['lowering']);
    expect(step(lowering, failed('mend'))).toEqual(['lowering']);
  });

  it('of what is unknown is refused, and while another is under way it is busy', () => {
    expect(step(start, remove)).toEqual(['absent', 'reply c9 network.unknown']);
    expect(step(lowering, { ...remove, command: 'c8' } as ActorEvent)).toEqual(['lowering', 'reply c8 network.busy']);
  });
});

describe('a restart', () => {
  it('mends the bridge and takes nothing away, whatever becomes of it', () => {
    expect(step(up, recovered(false))).toEqual(['up', 'apply adopt']);
    expect(effectsOf(up, recovered(false))).toMatchObject([{ plan: { kind: 'mend' } }]);
    const mending = reach(up, recovered(false));
    expect(step(mending, applied('adopt'))).toEqual(['up', 'announce adopted']);
    expect(step(mending, failed('adopt'))).toEqual(['degraded', 'announce drift-detected', 'announce degraded']);
  });

  it('adopts a network after the change that was under way, and once more where the result came during a change', () => {
    const update: ActorEvent = {
      type: 'network.update',
      command: 'c5',
      addDnsServers: ['9.9.9.9'],
      removeDnsServers: [],
    };
    const changing = reach(up, update, recovered(false));
    expect(step(changing, applied('update')).at(-1)).toBe('apply adopt');
    expect(step(reach(changing, applied('update')), applied('adopt'))).toEqual(['up', 'announce adopted']);
    const overtaken = reach(up, recovered(false), update, applied('adopt'));
    expect(step(overtaken, applied('update')).at(-1)).toBe('apply adopt');
  });

  it('verifies once more what was suspected during a verification', () => {
    const verifying = reach(up, { type: 'drift.suspected' });
    expect(step(verifying, { type: 'drift.suspected' })).toEqual(['up']);
    const again = reach(verifying, { type: 'drift.suspected' });
    expect(step(again, applied('mend', [{ link: device }]))).toEqual(['up', 'apply mend']);
    expect(step(again, applied('mend', [{ link: device }]), applied('mend', [{ link: device }]))).toEqual(['up']);
  });

  it('changes nothing elsewhere', () => {
    for (const from of [claiming, defined, raising, lowering])
      expect(step(from, recovered(false))).toEqual([stateName(from.value)]);
  });
});

describe('a reboot', () => {
  it('leaves the definition, without bridge and members', () => {
    for (const from of [raising, up]) {
      expect(step(from, recovered(true))).toEqual(['defined']);
      expect(reach(from, recovered(true)).context).toMatchObject({ leases: {}, waiting: [] });
    }
  });

  it('takes a removal up again: the file of its definition is still there', () => {
    expect(step(lowering, recovered(true))).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
  });
});

describe('N19 a network whose engine wants no rules', () => {
  const ruled = { ...definitionOf(), created: 'later' };
  const unruled: typeof ruled = { ...ruled, firewall: 'none' };
  const withRules = leaseRequest('b', { definition: ruled });
  const withoutRules = leaseRequest('b', { definition: unruled });
  const firewallOf = ({ context }: At) => context.definition?.firewall;

  it('is raised without, when nobody is on it', () => {
    expect(firewallOf(reach(defined, withoutRules, raised))).toBe('none');
    // the bridge is being made with rules for another
    expect(firewallOf(reach(raising, withoutRules, raised))).toBeUndefined();
  });

  it('that is up goes over to none, and back, before its next first member joins; nothing is written', () => {
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

  it('that has members keeps what it has', () => {
    expect(step(up, withoutRules)).toEqual(['up', 'tell container/b lease.granted']);
    expect(step(unruledUp, leaseRequest('c'))).toEqual(['up', 'tell container/c lease.granted']);
    expect(firewallOf(reach(unruledUp, leaseRequest('c')))).toBe('none');
  });

  it('N19 refuses who waits for another firewall when that cannot be made: nobody joins under the former one', () => {
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

  it('N19 has rules again for a container of ours, whatever an engine that has left wanted', () => {
    expect(step(abandoned, leaseRequest('c'))).toEqual(['updating', 'apply update']);
    expect(firewallOf(reach(abandoned, leaseRequest('c'), applied('update')))).toBeUndefined();
    const down = reach(defined, withoutRules, failed('raise'));
    expect(firewallOf(reach(down, leaseRequest('c'), raised))).toBeUndefined();
  });

  it('N19 hears it also of who comes while something else is done with it', () => {
    const update: ActorEvent = {
      type: 'network.update',
      command: 'c5',
      addDnsServers: ['9.9.9.9'],
      removeDnsServers: [],
    };
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
    // the one for whom it is raised gives up
    const taken = reach(raising, release('a'), withoutRules, raised);
    expect([stateName(taken.value), firewallOf(reach(taken, applied('update')))]).toEqual(['updating', 'none']);
  });
});

describe('a network that only its members know of', () => {
  const asked = leaseRequest('a', { definition: foreignDefinition });
  const given = reach(start, asked, raised);

  it('is raised for the first who brings its definition; nothing is written', () => {
    expect(step(start, asked)).toEqual(['raising', 'announce created', 'apply raise']);
    expect(given.context).toMatchObject({ definition: foreignDefinition });
  });

  it('goes with the last of them, and its bridge with it', () => {
    const crowded = reach(given, leaseRequest('b'));
    expect(step(crowded, release('a'))).toEqual(['up']);
    expect(step(reach(crowded, release('a')), release('b'))).toEqual([
      'lowering',
      'announce tearing-down',
      'apply lower',
    ]);
  });

  it('goes, too, when the first is refused, or its bridge cannot be made', () => {
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

  it('stays when a file of it is found', () => {
    const found: ActorEvent = { type: 'definition.found', definition: foreignDefinition };
    expect(stateName(reach(given, found, release('a')).value)).toBe('up');
  });

  it('stays when a file of it is found while its bridge is made', () => {
    const found: ActorEvent = { type: 'definition.found', definition: foreignDefinition };
    const filed = reach(start, asked, found, raised);
    expect([stateName(filed.value), isTransient(filed)]).toEqual(['up', false]);
    expect(step(filed, release('a'))).toEqual(['up']);
  });

  it('C13 takes no name servers where no name is answered, and lets go of those that it has', () => {
    const update = (addDnsServers: string[], removeDnsServers: string[] = []): ActorEvent => ({
      type: 'network.update',
      command: 'c5',
      addDnsServers,
      removeDnsServers,
    });
    const silent = { ...granted, type: 'subnet.granted' } as const;
    const wish = { ...networkWish, dnsEnabled: false };
    const made = reach(
      start,
      { type: 'network.create', command: 'c1', wish, created: 'now' },
      silent,
      applied('define'),
    );
    expect(step(made, update(['9.9.9.9']))).toEqual(['defined', 'reply c5 payload.invalid']);
    expect(step(made, update([], ['9.9.9.9']))).toEqual(['updating', 'apply update']);
  });

  it('is unknown after a reboot, whatever it was about', () => {
    const update: ActorEvent = {
      type: 'network.update',
      command: 'c5',
      addDnsServers: ['9.9.9.9'],
      removeDnsServers: [],
    };
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

  it('is taken down by the next daemon when it could not be before', () => {
    const left = reach(given, release('a'), failed('lower'));
    expect([stateName(left.value), ...step(left, recovered(false))]).toEqual([
      'defined',
      'lowering',
      'announce tearing-down',
      'apply lower',
    ]);
  });

  it('is raised anew for who asks while it is taken down', () => {
    expect(step(reach(given, release('a'), asked), applied('lower'))).toEqual([
      'raising',
      'announce removed',
      'reply null ok',
      'announce created',
      'apply raise',
    ]);
  });
});

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

describe('a definition that a member brings', () => {
  const asked = leaseRequest('c', { definition: foreignDefinition });

  it('is refused while others use the network by another one', () => {
    expect(step(up, asked)).toEqual(['up', 'tell container/c claim.refused']);
  });

  it('takes the place of one that nobody uses', () => {
    expect(step(empty, asked)).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
    expect(reach(empty, asked, applied('lower')).context.definition).toEqual(foreignDefinition);
  });

  it('is the network’s own as long as nothing that lasts is different', () => {
    const same = leaseRequest('c', { definition: { ...definitionOf(), created: 'later', labels: { a: 'b' } } });
    expect(step(up, same)).toEqual(['up', 'tell container/c lease.granted']);
  });

  it('makes way for a file that is found while the former network is taken down', () => {
    const found: ActorEvent = { type: 'definition.found', definition: definitionOf() };
    const after = reach(empty, { type: 'definition.lost' }, found, applied('lower'));
    expect([stateName(after.value), isTransient(after)]).toEqual(['defined', false]);
  });
});

describe('B13 routes of loopback addresses', () => {
  const published = leaseRequest('b', { onLoopback: true });
  const open = reach(up, published);
  const closing = reach(open, release('b'));

  it('are open while a member publishes a port that 127.0.0.1 reaches, and closed when the last has left', () => {
    expect(open.context.device?.routesLoopback).toBe(true);
    expect(step(open, release('b'))).toEqual(['closing', 'apply close']);
    expect(step(closing, applied('close'))).toEqual(['up']);
    expect(reach(closing, applied('close')).context.device?.routesLoopback).toBe(false);
    expect(step(reach(open, leaseRequest('c', { onLoopback: true })), release('b'))).toEqual(['up']);
  });

  it('who joins while they are being closed waits for that', () => {
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

  it('a member that publishes meanwhile looks whether it is reached', () => {
    const ports: ActorEvent = { type: 'lease.ports', container: 'a', onLoopback: true };
    expect(step(reach(closing, ports), applied('close'))).toEqual(['up', 'tell container/a drift.suspected']);
    expect(step(reach(up, ports), { ...ports, onLoopback: false })).toEqual(['closing', 'apply close']);
    expect(step(up, { ...ports, container: 'stranger' })).toEqual(['up']);
  });

  it('another change does not wait for it: they are closed afterwards', () => {
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

  it('a network that finds them closed tells who publishes', () => {
    const mending = reach(open, { type: 'drift.suspected' });
    expect(step(mending, applied('mend', [{ link: device }]))).toEqual(['up', 'tell container/b drift.suspected']);
    expect(step(mending, applied('mend', [{ link: { ...device, routesLoopback: true } }]))).toEqual(['up']);
  });
});

const leaving = (container: string): ActorEvent => ({ type: 'lease.leaving', container });
const waiting = applied('await-leaving', [{ deadlineAt: 5 }]);
const overdue: ActorEvent = { type: 'deadline.passed', command: null, deadline: 'leaving', at: 5 };

describe('B8 a request that only members which are leaving stand in the way of', () => {
  const static2 = leaseRequest('b', { staticIps: ['10.89.0.2'] });
  const brought = leaseRequest('b', { definition: foreignDefinition });
  const left = reach(up, leaving('a'));
  const held = reach(left, static2, waiting);

  it('waits for their addresses, and is granted when they have left', () => {
    expect(step(left, static2)).toEqual(['up', 'apply await-leaving']);
    expect(step(held, release('a'))).toEqual(['up', 'tell container/b lease.granted']);
    expect(reach(held, release('a')).context).toMatchObject({ leases: { b: ['10.89.0.2'] }, leaving: [], held: [] });
  });

  it('sets a deadline of two seconds for the wait', () => {
    expect(effectsOf(left, static2)).toMatchObject([
      { plan: { steps: [{ verb: 'deadline.set', owner: 'network/demo', deadline: 'leaving', withinMs: 2_000 }] } },
    ]);
  });

  it('is refused as ever when that time has passed, and not by an earlier deadline', () => {
    expect(effectsOf(held, overdue)).toMatchObject([
      { to: 'container/b', event: { type: 'claim.refused', fault: { code: 'address.taken' } } },
    ]);
    expect(step(held, { ...overdue, at: 4 } as ActorEvent)).toEqual(['up']);
    expect(step(reach(held, overdue), release('a'))).toEqual(['up']);
    expect(step(reach(left, static2), failed('await-leaving'))).toEqual(['up', 'tell container/b claim.refused']);
  });

  it('is refused at once where a member that stays is in the way, too', () => {
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

  it('does not hold up those that have nothing to wait for', () => {
    expect(step(held, leaseRequest('c'))).toEqual(['up', 'tell container/c lease.granted']);
  });

  it('waits, too, while another definition of the network is in use, which is made anew then', () => {
    expect(step(left, brought)).toEqual(['up', 'apply await-leaving']);
    expect(step(reach(left, brought), release('a'))).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
    const anew = reach(left, brought, release('a'), applied('lower'), raised);
    expect(anew.context).toMatchObject({ definition: foreignDefinition, leases: { b: ['10.89.0.2'] } });
  });

  it('is answered in the order of the requests: one that is granted keeps the network as it is', () => {
    const two = reach(held, leaseRequest('c', { definition: foreignDefinition }));
    expect(step(two, release('a'))).toEqual(['up', 'tell container/b lease.granted', 'tell container/c claim.refused']);
  });

  it('is answered when the network is gone for which it cannot wait any more', () => {
    const both = reach(left, brought, leaseRequest('c', { staticIps: ['10.89.0.2'] }), release('a'));
    expect(step(reach(both, release('b')), applied('lower'))).toEqual([
      'removed',
      'tell host subnet.release',
      'announce removed',
      'reply null ok',
      'tell container/c claim.refused',
    ]);
  });

  it('is forgotten when its container gives up, or is taken down itself', () => {
    for (const end of [release('b'), leaving('b')]) expect(step(reach(held, end), release('a'))).toEqual(['up']);
  });

  it('waits for no member that has asked anew: it stays', () => {
    expect(step(left, leaseRequest('a'))).toEqual(['up', 'tell container/a lease.granted']);
    expect(step(reach(left, leaseRequest('a')), static2)).toEqual(['up', 'tell container/b claim.refused']);
  });

  it('is decided after a change of the network, and after a mending, where the member leaves meanwhile', () => {
    const update: ActorEvent = {
      type: 'network.update',
      command: 'c5',
      addDnsServers: ['9.9.9.9'],
      removeDnsServers: [],
    };
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

  it('waits on in the next daemon, until the same moment, and ends with a reboot', () => {
    expect(step(held, recovered(false))).toEqual(['up', 'apply adopt', 'apply await-leaving']);
    expect(effectsOf(held, recovered(false)).at(-1)).toMatchObject({ plan: { steps: [{ at: 5 }] } });
    expect(step(reach(left, static2), recovered(false))).toEqual(['up', 'apply adopt']);
    expect(reach(held, recovered(true)).context).toMatchObject({ held: [], leaving: [] });
  });

  it('keeps a network that only its members know of, which would go with the last of them', () => {
    const known = leaseRequest('a', { definition: foreignDefinition });
    const given = reach(start, known, raised, leaving('a'));
    const again = leaseRequest('b', { definition: foreignDefinition, staticIps: ['10.89.0.2'] });
    expect(step(reach(given, again), release('a'))).toEqual(['up', 'tell container/b lease.granted']);
  });

  it('N14 moves on to the network whose file was found while this one was in use', () => {
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

  it('N14 tells the host at once that it goes, and that it stays after all: networks that need its place wait', () => {
    const told = (from: At, event: ActorEvent) => follow(networkMachine, from, event).effects.map(brief);
    expect(told(reach(up, leaving('a')), remove)).toEqual(['tell host forwarding.leave', 'apply await-leaving']);
    expect(told(emptying, overdue)).toEqual(['reply c9 network.in-use', 'tell host forwarding.claim']);
  });

  it('is refused when they have not left in time, and the network is as it was', () => {
    expect(step(emptying, overdue)).toEqual(['up', 'reply c9 network.in-use']);
    expect(step(emptying, { ...overdue, at: 4 } as ActorEvent)).toEqual(['emptying']);
    expect(step(reach(up, leaving('a'), remove), failed('await-leaving'))).toEqual(['up', 'reply c9 kernel.refused']);
    expect(step(reach(emptying, overdue), leaseRequest('b'))).toEqual(['up', 'tell container/b lease.granted']);
  });

  it('is refused at once while others stay, or wait for an address of one that leaves', () => {
    expect(step(reach(up, leaseRequest('b'), leaving('a')), remove)).toEqual(['up', 'reply c9 network.in-use']);
    const held = reach(up, leaving('a'), leaseRequest('b', { staticIps: ['10.89.0.2'] }));
    expect(step(held, remove)).toEqual(['up', 'reply c9 network.in-use']);
  });

  it('refuses containers that want to join, and other commands', () => {
    expect(effectsOf(emptying, leaseRequest('b'))).toMatchObject([
      { to: 'container/b', event: { type: 'claim.refused', fault: { code: 'network.busy' } } },
    ]);
    const again: ActorEvent = { type: 'network.remove', command: 'c8', force: true };
    expect(step(emptying, again)).toEqual(['emptying', 'reply c8 network.busy']);
    expect(step(emptying, create('c8'))).toEqual(['emptying', 'reply c8 network.exists']);
  });

  it('lets a container wait that brings a definition: it joins what comes next, or what stays', () => {
    const brought = reach(emptying, leaseRequest('b', { definition: { ...definitionOf(), created: 'later' } }));
    expect(step(brought, overdue)).toEqual(['up', 'reply c9 network.in-use', 'tell container/b lease.granted']);
    expect(step(reach(brought, release('a')), applied('lower')).at(-1)).toBe('apply raise');
  });

  it('is taken up by the next daemon, and goes on after a reboot', () => {
    expect(step(emptying, recovered(false))).toEqual(['emptying', 'apply adopt', 'apply await-leaving']);
    expect(step(reach(emptying, recovered(false)), release('a'))[0]).toBe('lowering');
    expect(step(emptying, recovered(true))).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
    expect(step(reach(emptying, recovered(true)), applied('lower')).at(-1)).toBe('reply c9 ok');
  });

  it('hears what becomes of its device meanwhile', () => {
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

  it('asks every member to leave, and removes the network when they have', () => {
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

  it('is refused when a member cannot leave: the fault is its own, and names those that have left', () => {
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

  it('is refused when members give no answer in time', () => {
    expect(step(reach(emptying, release('a')), overdue)).toEqual(['up', 'reply c9 network.in-use']);
    expect(effectsOf(crowded, force).at(-1)).toMatchObject({ plan: { steps: [{ withinMs: 10_000 }] } });
  });

  it('refuses those that wait to join', () => {
    const held = reach(up, leaving('a'), leaseRequest('b', { staticIps: ['10.89.0.2'] }));
    expect(step(held, force)).toEqual(['emptying', 'tell container/b claim.refused', 'apply await-leaving']);
  });

  it('is refused before a member is asked to leave when the deadline cannot be set', () => {
    expect(step(reach(crowded, force), failed('await-leaving'))).toEqual(['up', 'reply c9 kernel.refused']);
  });

  it('is not given up by a restart of the daemon', () => {
    const next = reach(emptying, release('a'), recovered(false));
    expect(step(next, release('b'))[0]).toBe('lowering');
  });
});

describe('B6 the removal of all networks that no container uses', () => {
  const prune: ActorEvent = { type: 'network.prune', command: null };
  const answer = (from: At, ...events: ActorEvent[]) => {
    for (const event of events.slice(0, -1)) from = reach(from, event);
    const told = effectsOf(from, events.at(-1) as ActorEvent);
    return told.flatMap((effect) => (effect.kind === 'tell' && effect.to === 'host' ? [effect.event] : []));
  };
  const pruned = (isRemoved: boolean) => ({ type: 'network.pruned', network: 'demo', isRemoved });

  it('removes one that no container uses, and the host hears of it', () => {
    for (const from of [empty, defined]) {
      expect(step(from, prune)).toEqual(['lowering', 'announce tearing-down', 'apply lower']);
      expect(answer(from, prune, applied('lower'))).toContainEqual(pruned(true));
    }
    expect(step(reach(empty, prune), applied('lower'))).not.toContain('reply null ok');
  });

  it('lets one be that is used, is about to be, or is unknown', () => {
    for (const from of [start, claiming, defining, raising, up, lowering])
      expect([answer(from, prune), stateName(reach(from, prune).value)]).toEqual([
        [pruned(false)],
        stateName(from.value),
      ]);
  });

  it('waits for members that are leaving, as their engine knows them to be gone', () => {
    const emptying = reach(up, leaving('a'), prune, waiting);
    expect(stateName(emptying.value)).toBe('emptying');
    expect(answer(emptying, release('a'), applied('lower'))).toContainEqual(pruned(true));
    expect(answer(emptying, overdue)).toEqual([pruned(false)]);
  });

  it('says why one could not be removed', () => {
    expect(answer(empty, prune, failed('lower'))).toMatchObject(
      [{ isRemoved: false, fault: { code: 'kernel.refused' } }, { type: 'forwarding.release' }].slice(0, 1),
    );
  });

  it('is answered once where it is asked for twice', () => {
    expect(answer(reach(empty, prune), prune)).toEqual([]);
    expect(answer(reach(up, leaving('a'), prune), prune)).toEqual([]);
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
