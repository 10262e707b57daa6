import { describe, expect, it } from 'vitest';
import { type DhcpContext, dhcpMachine } from '../../machines/dhcp/chart.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { termsOf } from '../core/samples.ts';
import { place } from './terrains/dhcp.ts';
import { applied, asking, begin, failed, recovered, type Snapshot, stateName } from './walk.ts';

/** One step from a named state; the effects as a list. */

type At = Snapshot<DhcpContext>;

const start: At = begin(dhcpMachine, { container: 'web', network: 'lan' });
const { reach, step, effectsOf, kernelStepsOf: stepsOf } = asking<DhcpContext>(dhcpMachine);
const told = (from: At, event: ActorEvent) =>
  effectsOf(from, event).flatMap((effect) => (effect.kind === 'tell' ? [effect.event] : []));

const times = { renewAt: 1, rebindAt: 2, expiresAt: 3 };
const terms = termsOf({ times });
const offered: ActorEvent = { type: 'dhcp.offered', terms };
const acknowledged = (more = {}): ActorEvent => ({ type: 'dhcp.acknowledged', terms: { ...terms, ...more } });
const refused: ActorEvent = { type: 'dhcp.refused', server: '192.0.2.1', message: 'not here' };
const unacknowledged: ActorEvent = { type: 'dhcp.unacknowledged' };
const timedOut = (detail: string | null = null): ActorEvent => ({ type: 'dhcp.timeout', detail });

const selecting = reach(start, { type: 'dhcp.start', attempt: 4, place });
const requesting = reach(selecting, offered);
const bound = reach(requesting, acknowledged());
const renewing = reach(bound, { type: 'dhcp.t1' });
const rebinding = reach(renewing, { type: 'dhcp.t2' });
const lost = reach(rebinding, { type: 'dhcp.expired' });

describe('the DHCP client of a container', () => {
  it('C13 the DHCP client asks any server, then the one that offered, within 5 s together', () => {
    expect(step(start, { type: 'dhcp.start', attempt: 4, place })).toEqual([
      'acquiring.selecting',
      'apply ask discover',
    ]);
    expect(step(selecting, offered)).toEqual(['acquiring.requesting', 'apply ask request']);
    const asked = { verb: 'dhcp.ask', owner: 'dhcp/web/lan', place, withinMs: 5000 };
    expect(stepsOf(selecting, offered)).toEqual([
      { ...asked, question: { kind: 'request', address: terms.address, server: terms.server } },
    ]);
  });

  it('C13 the DHCP client prefers another server when the one that has offered is silent', () => {
    expect(step(requesting, unacknowledged)).toEqual(['acquiring.selecting', 'apply ask discover']);
    expect(stepsOf(requesting, unacknowledged)).toMatchObject([
      { question: { kind: 'discover', avoid: terms.server }, withinMs: 5000 },
    ]);
    const again = reach(requesting, unacknowledged);
    expect(told(again, timedOut())).toMatchObject([
      { fault: { message: expect.stringContaining(`server ${terms.server} offered an address, but did not answer`) } },
    ]);
    // a server that has given an address is treated like any other, later
    const other = reach(again, { type: 'dhcp.offered', terms: { ...terms, server: '192.0.2.2' } }, acknowledged());
    expect(reach(other, { type: 'dhcp.expired' }).context.avoid).toBeNull();
  });

  it('C13 the DHCP client sends its container the given address, with its claim, and keeps it', () => {
    expect(step(requesting, acknowledged())).toEqual([
      'leased.bound',
      'announce leased',
      'tell container/web dhcp.leased',
      'apply keep',
    ]);
    expect(told(requesting, acknowledged())).toEqual([
      { type: 'dhcp.leased', command: null, network: 'lan', attempt: 4, terms },
    ]);
    expect(stepsOf(requesting, acknowledged())).toEqual([{ verb: 'dhcp.keep', owner: 'dhcp/web/lan', times }]);
  });

  it("C13 the DHCP client respects the container's other networks, at once when it has no address", () => {
    const neighbours: ActorEvent = { type: 'dhcp.neighbours', otherSubnets: ['10.89.0.3/24'] };
    expect(step(bound, neighbours)).toEqual(['leased.bound']);
    expect(stepsOf(reach(bound, neighbours), { type: 'dhcp.t1' }).at(-1)).toMatchObject({
      place: { ...place, otherSubnets: ['10.89.0.3/24'] },
    });
    expect(step(lost, neighbours)).toEqual(['lost.selecting', 'apply ask discover']);
    expect(stepsOf(lost, neighbours).at(-1)).toMatchObject({ place: { otherSubnets: ['10.89.0.3/24'] } });
    expect(step(start, neighbours)).toEqual(['absent']);
  });

  it('C13 the DHCP client starts over when the server refuses what it has offered', () => {
    expect(step(requesting, refused)).toEqual(['acquiring.selecting', 'apply ask discover']);
  });

  it('C13 the DHCP client reports that no server answers, and what it got instead', () => {
    expect(step(selecting, timedOut())).toEqual(['unanswered', 'tell container/web dhcp.lost']);
    expect(told(requesting, timedOut('it is a BOOTP message'))).toMatchObject([
      {
        attempt: 4,
        fault: {
          code: 'dhcp.timeout',
          message: expect.stringContaining('network lan assigned an address within 5 s: it is a BOOTP message'),
        },
      },
    ]);
    expect(told(selecting, timedOut())).toMatchObject([
      { fault: { message: 'no DHCP server on network lan assigned an address within 5 s: nothing was received' } },
    ]);
    expect(told(selecting, failed({ kind: 'ask', question: 'discover' }))).toMatchObject([
      { fault: { code: 'kernel.refused' } },
    ]);
  });

  it('C13 the DHCP client renews at T1 with the server that gave the address, at T2 with any', () => {
    expect(step(bound, { type: 'dhcp.t1' })).toEqual(['leased.renewing', 'apply ask renew']);
    expect(stepsOf(bound, { type: 'dhcp.t1' }).at(-1)).toMatchObject({
      question: { kind: 'renew', address: terms.address, server: terms.server, serverMac: terms.serverMac },
      withinMs: null,
    });
    expect(step(renewing, { type: 'dhcp.t2' })).toEqual(['leased.rebinding', 'apply ask rebind']);
    expect(step(bound, { type: 'dhcp.t2' })).toEqual(['leased.rebinding', 'apply ask rebind']);
  });

  it('C13 the DHCP client reports a renewal to its container only when something has changed', () => {
    const later = { times: { renewAt: 11, rebindAt: 12, expiresAt: 13 } };
    for (const from of [renewing, rebinding]) {
      expect(step(from, acknowledged(later))).toEqual(['leased.bound', 'announce lease-renewed', 'apply keep']);
      expect(step(from, acknowledged({ ...later, nameServers: [] }))).toEqual([
        'leased.bound',
        'announce leased',
        'tell container/web dhcp.leased',
        'apply keep',
      ]);
    }
    expect(reach(renewing, acknowledged(later)).context.terms?.times).toEqual(later.times);
  });

  it.each([
    ['ends', rebinding, { type: 'dhcp.expired' } as ActorEvent, 'dhcp.expired'],
    ['ended while no daemon ran', bound, { type: 'dhcp.expired' } as ActorEvent, 'dhcp.expired'],
    ['is taken back', renewing, refused, 'dhcp.refused'],
  ])('C13 the DHCP client reports a lease that %s, and asks for the same address', (_, from, event, code) => {
    expect(step(from, event)).toEqual([
      'lost.selecting',
      'tell container/web dhcp.lost',
      'announce lease-lost',
      'apply ask discover',
    ]);
    expect(told(from, event)).toMatchObject([{ attempt: 4, fault: { code } }]);
    expect(stepsOf(from, event)).toMatchObject([
      { verb: 'dhcp.keep', times: null },
      { question: { kind: 'discover', address: terms.address }, withinMs: null },
    ]);
  });

  it('C13 the DHCP client gets an address again, even if a server that has offered one is silent or refuses', () => {
    const asking = reach(lost, offered);
    expect(stateName(asking.value)).toBe('lost.requesting');
    for (const event of [unacknowledged, refused])
      expect(step(asking, event)).toEqual(['lost.selecting', 'apply ask discover']);
    expect(step(asking, acknowledged())).toEqual([
      'leased.bound',
      'announce leased',
      'tell container/web dhcp.leased',
      'apply keep',
    ]);
  });

  it('C13 the DHCP client continues after a restart of the daemon in the same state', () => {
    for (const [at, expected] of [
      [selecting, ['acquiring.selecting', 'apply ask discover']],
      [requesting, ['acquiring.selecting', 'apply ask discover']],
      [bound, ['leased.bound', 'apply keep']],
      [renewing, ['leased.renewing', 'apply ask renew']],
      [rebinding, ['leased.rebinding', 'apply ask rebind']],
      [lost, ['lost.selecting', 'apply ask discover']],
    ] as const)
      expect(step(at, recovered(false))).toEqual(expected);
    // the options of a kept lease are kept again
    expect(stepsOf(renewing, recovered(false))[0]).toEqual({ verb: 'dhcp.keep', owner: 'dhcp/web/lan', times });
  });

  it('C13 the DHCP client is gone after a reboot of the host, with its container', () => {
    for (const at of [selecting, requesting, bound, renewing, rebinding, lost])
      expect(step(at, recovered(true))).toEqual(['absent']);
  });

  it('C13 the DHCP client ends when its container requests that, and may begin again at once', () => {
    for (const at of [selecting, requesting, bound, renewing, lost, reach(selecting, timedOut())]) {
      expect(step(at, { type: 'dhcp.end' })).toEqual(['ending', 'apply stop']);
      const ending = reach(at, { type: 'dhcp.end' });
      expect(step(ending, applied('stop'))).toEqual(['absent']);
      expect(step(ending, { type: 'dhcp.start', attempt: 5, place })).toEqual([
        'acquiring.selecting',
        'apply ask discover',
      ]);
    }
    expect(step(start, { type: 'dhcp.end' })).toEqual(['absent']);
  });
});
