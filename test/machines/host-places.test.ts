import { describe, expect, it } from 'vitest';
import { type HostContext, hostMachine } from '../../machines/host/chart.ts';
import { networkAddress } from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { LinkUse } from '../../src/core/network/check.ts';
import { applied, begin, brief, failed, follow, recovered, type Snapshot } from './walk.ts';

type At = Snapshot<HostContext>;

const reach = (from: At, ...events: ActorEvent[]): At => follow(hostMachine, from, ...events).next as At;
const told = (from: At, ...events: ActorEvent[]): string[] => follow(hostMachine, from, ...events).effects.map(brief);

const placed = (network: string, subnet: string, more: { bridge?: string; use?: LinkUse } = {}) => {
  const { bridge = `${network}0`, use = 'alone' } = more;
  return { network, bridge, use, subnets: [{ subnet, gateway: null }] };
};
type Placed = ReturnType<typeof placed>;
const note = (place: Placed): ActorEvent => ({ type: 'subnet.note', sharesLink: place.use === 'port', ...place });
/** Networks for which nothing is forwarded: the reply comes at once. */
const claim = (place: Placed, isBrought = false): ActorEvent => ({
  type: 'forwarding.claim',
  network: place.network,
  families: [],
  place,
  isBrought,
});
const leave = (network: string): ActorEvent => ({ type: 'forwarding.leave', network });
const release = (network: string): ActorEvent => ({ type: 'forwarding.release', network });
const deadlineSet = (network: string, at: number): ActorEvent =>
  applied({ kind: 'wait', claimant: networkAddress(network) }, [{ deadlineAt: at }]);
const passed = (network: string, at: number): ActorEvent => ({
  type: 'deadline.passed',
  command: null,
  deadline: 'leaving',
  at,
  claimant: networkAddress(network),
});
const kept = (network: string): ActorEvent => ({ type: 'place.kept', network });
const asking = (network: string) => `tell network/${network} place.asked`;
const waits = (network: string) => `apply wait network/${network}`;
const granted = (network: string) => `tell network/${network} forwarding.granted`;
const refused = (network: string) => `tell network/${network} forwarding.refused`;

const serving = reach(begin<HostContext>(hostMachine), { type: 'host.start' }, applied('base'));
const one = placed('one', '10.7.0.0/24');
const twin = placed('twin', '10.7.0.0/25');
const known = reach(serving, note(one), note(twin));
const up = reach(known, claim(one));

describe('VLANs of one bridge', () => {
  const blue = placed('blue', '10.7.0.0/24', { bridge: 'trunk0', use: 'vlan' });
  const red = placed('red', '10.8.0.0/24', { bridge: 'trunk0', use: 'vlan' });
  const elsewhere = placed('elsewhere', '10.9.0.0/24', { bridge: 'trunk1', use: 'vlan' });
  const both = reach(serving, claim(blue), claim(red), claim(elsewhere), claim(one));
  const verifies = (network: string) => `tell network/${network} drift.suspected`;

  it('are in the kernel together', () => {
    expect(told(serving, claim(blue), claim(red))).toEqual([granted('red')]);
  });

  it('share it with a network without a VLAN', () => {
    const plain = placed('plain', '10.6.0.0/24', { bridge: 'trunk0' });
    expect(told(both, claim(plain), leave('plain'), release('plain'))).toEqual([verifies('blue'), verifies('red')]);
    expect(told(both, leave('blue'), claim(plain))).toEqual([waits('plain')]);
  });

  it('verify the bridge when one of them has left it', () => {
    expect(told(both, leave('blue'))).toEqual([]);
    expect(told(both, leave('blue'), release('blue'))).toEqual([verifies('red')]);
    expect(told(both, leave('blue'), { type: 'subnet.release', network: 'blue' })).toEqual([verifies('red')]);
    expect(told(both, release('one'))).toEqual([]);
    expect(told(both, release('elsewhere'))).toEqual([]);
  });

  it('wait for one that is being removed, because the bridge may go with it', () => {
    const leaving = reach(serving, claim(blue), leave('blue'));
    expect(told(leaving, claim(red))).toEqual([waits('red')]);
    expect(told(leaving, claim(elsewhere))).toEqual([granted('elsewhere')]);
    const waiting = reach(leaving, claim(red), deadlineSet('red', 5));
    expect(told(waiting, release('blue'))).toEqual([granted('red')]);
    expect(told(waiting, claim(blue))).toEqual([granted('blue'), granted('red')]);
    expect(told(waiting, passed('red', 5))).toEqual([granted('red')]);
    expect(told(reach(both, leave('blue')), claim(red))).toEqual([granted('red')]);
  });
});

describe('N14 networks that exclude each other in the kernel', () => {
  it('the host refuses the subnets and the bridge of a network that is up to another one', () => {
    expect(told(up, claim(twin))).toEqual([refused('twin')]);
    const onBridge = placed('other', '10.8.0.0/24', { bridge: 'one0' });
    expect(told(up, claim(onBridge))).toEqual([refused('other')]);
    const { effects } = follow(hostMachine, up, claim(onBridge));
    expect(effects).toMatchObject([
      { event: { fault: { code: 'link.exists', message: 'network other: one0 is the bridge of network one' } } },
    ]);
    expect(told(up, claim(placed('free', '10.9.0.0/24')))).toEqual([granted('free')]);
    expect(told(up, release('one'), claim(twin))).toEqual([granted('twin')]);
  });

  it('the host grants a repeated claim of a network that is up', () => {
    expect(told(up, claim(one))).toEqual([granted('one')]);
  });

  it("the host refuses an engine's network in the place of a defined one that stays, and grants another defined one", () => {
    expect(told(known, claim(placed('brought', '10.7.0.0/24'), true), kept('one'))).toEqual([refused('brought')]);
    const onBridge = claim(placed('brought', '10.8.0.0/24', { bridge: 'twin0' }), true);
    expect(told(known, onBridge)).toEqual([waits('brought'), asking('twin')]);
    expect(told(known, onBridge, kept('twin'))).toEqual([refused('brought')]);
    expect(told(known, claim(twin))).toEqual([granted('twin')]);
  });

  it('the host refuses a defined network in the place of one that an engine brought', () => {
    const brought = reach(serving, claim(placed('brought', '10.7.0.0/24'), true), note(one));
    expect(told(brought, claim(one))).toEqual([refused('one')]);
    expect(brought.context.networks.brought).toMatchObject({ bridge: 'brought0', sharesLink: false });
    expect(reach(known, claim(placed('brought', '10.7.0.0/24'), true)).context.networks).not.toHaveProperty('brought');
  });

  it('the host lets a claim wait while the network in its place is removed, and decides it afterwards', () => {
    const waiting = reach(up, leave('one'), claim(twin));
    expect(told(up, leave('one'), claim(twin))).toEqual(['apply wait network/twin']);
    expect(told(waiting, release('one'))).toEqual([granted('twin')]);
    expect(told(waiting, claim(placed('third', '10.7.0.0/26')), release('one'))).toEqual([
      granted('twin'),
      refused('third'),
    ]);
    expect(told(waiting, leave('twin'), release('twin'), release('one'))).toEqual([]);
    expect(told(waiting, recovered(true), claim(placed('third', '10.7.0.0/26')))).toEqual([granted('third')]);
  });

  it('the host lets the claim of an engine wait while a network that is only defined is removed', () => {
    const brought = placed('brought', '10.7.0.0/25');
    const gone: ActorEvent = { type: 'subnet.release', network: 'one' };
    const waiting = reach(serving, note(one), leave('one'), claim(brought, true));
    expect(told(waiting, gone)).toEqual([granted('brought')]);
    expect(waiting.context.networks).not.toHaveProperty('brought');
    // it could not be taken down, and stays defined
    expect(told(waiting, release('one'))).toEqual([asking('one')]);
    expect(told(waiting, release('one'), kept('one'))).toEqual([refused('brought')]);
  });

  it('the host refuses a waiting claim when the other network stays, or is not removed in time', () => {
    const waiting = reach(up, leave('one'), claim(twin));
    expect(told(waiting, claim(one))).toEqual([granted('one'), refused('twin')]);
    const known = reach(waiting, deadlineSet('twin', 5));
    expect(told(known, passed('twin', 5))).toEqual([refused('twin')]);
    expect(told(known, passed('twin', 4))).toEqual([]);
    expect(told(waiting, failed({ kind: 'wait', claimant: 'network/twin' }))).toEqual([refused('twin')]);
    expect(told(known, passed('twin', 5), release('one'))).toEqual([]);
  });

  it('the host keeps a claim waiting until its first deadline, also over a restart of the daemon', () => {
    const two = placed('two', '10.7.0.128/25');
    const wide = placed('wide', '10.7.0.0/24');
    const waiting = reach(
      reach(serving, note(twin), claim(twin), note(two), claim(two), leave('twin'), leave('two'), claim(wide)),
      deadlineSet('wide', 5),
    );
    expect(told(waiting, release('twin'))).toEqual([]);
    expect(told(waiting, release('twin'), passed('wide', 5))).toEqual([refused('wide')]);
    expect(told(waiting, release('twin'), release('two'))).toEqual([granted('wide')]);
    const again = follow(hostMachine, waiting, { type: 'host.start' }).effects;
    expect(again).toContainEqual(
      expect.objectContaining({
        plan: expect.objectContaining({ steps: [expect.objectContaining({ verb: 'deadline.set', at: 5 })] }),
      }),
    );
  });

  it('the host ignores the records of earlier daemons', () => {
    const { use: _, ...earlier } = { ...one, type: 'subnet.note' as const, sharesLink: false };
    expect(told(reach(serving, earlier), claim(twin, true))).toEqual([granted('twin')]);
  });
});

describe("N14 an engine's network in a place that its engine may have freed just before", () => {
  const brought = claim(placed('brought', '10.7.0.0/24'), true);
  const waiting = reach(up, brought);

  it('the host asks the network that is up there, once, and lets the claim wait with a deadline', () => {
    expect(told(up, brought)).toEqual([waits('brought'), asking('one'), asking('twin')]);
    expect(told(waiting, claim(placed('free', '10.9.0.0/24')))).toEqual([granted('free')]);
    expect(told(waiting, leave('twin'))).toEqual([]);
    expect(waiting.context.networks).not.toHaveProperty('brought');
  });

  it('the host grants the claim when the network that it asked has released its place, with or without a notice before', () => {
    const alone = reach(serving, note(one), claim(one), brought);
    const removed: ActorEvent = { type: 'subnet.release', network: 'one' };
    expect(told(alone, removed)).toEqual([granted('brought')]);
    expect(told(alone, leave('one'), removed)).toEqual([granted('brought')]);
  });

  it('the host grants the claim when the network that it asked takes another place, before or after its answer', () => {
    const alone = reach(serving, note(one), claim(one), brought);
    const elsewhere = placed('one', '10.99.0.0/24', { bridge: 'else0' });
    expect(told(alone, note(elsewhere))).toEqual([granted('brought')]);
    const replaced = reach(serving, note(one), claim(one), leave('one'), brought, release('one'));
    expect(told(replaced, claim(elsewhere))).toContain(granted('brought'));
  });

  it('the host refuses the claim when a network answers that it stays, with the reason of that conflict', () => {
    expect(told(waiting, kept('twin'))).toEqual([refused('brought')]);
    expect(follow(hostMachine, waiting, kept('twin')).effects).toMatchObject([
      { event: { fault: { code: 'subnet.taken', message: expect.stringContaining('of network twin') } } },
    ]);
    expect(told(waiting, kept('twin'), kept('one'))).toEqual([]);
    expect(told(waiting, kept('other'))).toEqual([]);
    expect(reach(waiting, kept('twin')).context.deferred).toEqual([]);
  });

  it('the host refuses the claim when no answer and no release has come in time', () => {
    const until = reach(waiting, deadlineSet('brought', 5));
    expect(told(until, passed('brought', 5))).toEqual([refused('brought')]);
    expect(told(waiting, failed({ kind: 'wait', claimant: 'network/brought' }))).toEqual([refused('brought')]);
    expect(told(until, passed('brought', 5), kept('one'), release('one'))).toEqual([]);
  });

  it('the host does not ask again after another network in the way is removed, and keeps the deadline', () => {
    const until = reach(waiting, deadlineSet('brought', 5));
    const gone = [{ type: 'subnet.release', network: 'twin' } as const, release('twin')];
    expect(told(until, ...gone)).toEqual([]);
    expect(told(until, ...gone, passed('brought', 5))).toEqual([refused('brought')]);
    expect(told(until, ...gone, kept('one'))).toEqual([refused('brought')]);
    // a late answer
    expect(told(until, ...gone, kept('twin'))).toEqual([]);
  });

  it('the host asks a network again when that was leaving and claims its place again', () => {
    const alone = reach(serving, note(one), claim(one), brought, leave('one'));
    expect(told(alone, claim(one))).toEqual([granted('one'), asking('one')]);
    expect(told(alone, claim(one), kept('one'))).toEqual([refused('brought')]);
    const before = reach(serving, note(one), claim(one), leave('one'), brought);
    expect(told(before, claim(one))).toEqual([granted('one'), asking('one')]);
  });

  it('the host asks for each of several claims, and decides them in order', () => {
    const second = claim(placed('second', '10.7.0.0/24'), true);
    const both = reach(serving, note(one), claim(one), brought, second);
    expect(told(reach(serving, note(one), claim(one), brought), second)).toEqual([waits('second'), asking('one')]);
    expect(told(both, kept('one'))).toEqual([refused('brought'), refused('second')]);
    const removed: ActorEvent = { type: 'subnet.release', network: 'one' };
    expect(told(both, removed)).toEqual([granted('brought'), asking('brought')]);
  });

  it('the host drops the claim when its network releases it, and at a reboot', () => {
    expect(told(waiting, release('brought'), kept('one'))).toEqual([]);
    expect(told(waiting, recovered(true), kept('one'))).toEqual([]);
    expect(told(waiting, recovered(false), kept('one'))).toEqual([refused('brought')]);
  });
});
