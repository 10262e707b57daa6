import { describe, expect, it } from 'vitest';
import type { Effect } from '../../machines/effect.ts';
import { type HostContext, hostMachine } from '../../machines/host/chart.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { Family } from '../../src/core/address.ts';
import { describePurpose, type HostPurpose } from '../../src/core/plan/purpose.ts';
import type { ForwardingSurvey } from '../../src/core/steps/host.ts';
import { describeStep } from '../../src/core/steps/step.ts';
import { applied, begin, brief, failed, follow, littered, recovered, type Snapshot } from './walk.ts';

type At = Snapshot<HostContext>;

const claim = (network: string, ...families: Family[]): ActorEvent => ({ type: 'forwarding.claim', network, families });
const release = (network: string): ActorEvent => ({ type: 'forwarding.release', network });
const looking: HostPurpose = { kind: 'forwarding', work: { kind: 'look' } };
const mending: HostPurpose = { kind: 'forwarding', work: { kind: 'mend' } };
const inForce = (...families: Family[]): HostPurpose => ({ kind: 'forwarding', work: { kind: 'open', families } });
const noMore = (...families: Family[]): HostPurpose => ({ kind: 'forwarding', work: { kind: 'close', families } });
const nothingOn: ForwardingSurvey = {
  on: [],
  future: [],
  acceptRa: { up0: 1, up1: 0, up2: 2, 'vlan.5': 1, default: 1 },
  bridges: [],
};
const seen = (more: Partial<ForwardingSurvey> = {}): ActorEvent =>
  applied(looking, [{ forwarding: { ...nothingOn, ...more } }]);
const reach = (from: At, ...events: ActorEvent[]): At => follow(hostMachine, from, ...events).next as At;
const told = (from: At, ...events: ActorEvent[]): string[] => follow(hostMachine, from, ...events).effects.map(brief);
/** The steps of every plan that an event leads to, under its name. */
const stepsOf = (effects: Effect[]): Record<string, string[]> =>
  Object.fromEntries(
    effects.flatMap((effect) =>
      effect.kind === 'apply' ? [[describePurpose(effect.plan.purpose), effect.plan.steps.map(describeStep)]] : [],
    ),
  );
const planned = (from: At, ...events: ActorEvent[]) => stepsOf(follow(hostMachine, from, ...events).effects);

const serving = reach(begin<HostContext>(hostMachine), { type: 'host.start' }, applied('base'));
const asked = reach(serving, claim('six', 4, 6));
const opening = reach(asked, seen());
const open = reach(opening, applied(inForce(4, 6)));

describe('the host that forwards for a network', () => {
  it('the host looks first, records what it found before any change, and grants when everything is in force', () => {
    expect(told(serving, claim('six', 4, 6))).toEqual(['apply forwarding look']);
    expect(told(asked, seen())).toEqual(['apply forwarding open 4 6']);
    expect(opening.context.forwarding[6]).toMatchObject({ found: false, turned: ['up0', 'vlan.5', 'default'] });
    expect(told(opening, applied(inForce(4, 6)))).toEqual([
      'announce forwarding-on',
      'tell network/six forwarding.granted',
    ]);
  });

  it('N03 the host raises accept_ra where it is 1, and guards, before it forwards', () => {
    expect(planned(asked, seen())).toEqual({
      'forwarding open 4 6': [
        'nft.add closed_families { ipv4 }',
        'sysctl.turn net.ipv4.ip_forward=1',
        'sysctl.turn net.ipv6.conf.up0.accept_ra=2',
        'sysctl.turn net.ipv6.conf.vlan.5.accept_ra=2',
        'sysctl.turn net.ipv6.conf.default.accept_ra=2',
        'nft.add closed_families { ipv6 }',
        'sysctl.turn net.ipv6.conf.all.forwarding=1',
      ],
    });
  });

  it('the host changes nothing else when forwarding was on before', () => {
    const found = reach(asked, seen({ on: [4, 6] }));
    expect(planned(asked, seen({ on: [4, 6] }))).toEqual({
      'forwarding open 4 6': ['sysctl.turn net.ipv4.ip_forward=1', 'sysctl.turn net.ipv6.conf.all.forwarding=1'],
    });
    expect(told(found, applied(inForce(4, 6)), release('six'))).toEqual([]);
    expect(reach(found, applied(inForce(4, 6)), release('six')).context.forwarding).toEqual({});
  });

  it('the host grants a second network at once, and a further family when that is in force, too', () => {
    expect(told(open, claim('other', 6))).toEqual(['tell network/other forwarding.granted']);
    const four = reach(serving, claim('four', 4), seen(), applied(inForce(4)));
    expect(told(four, claim('six', 4, 6))).toEqual(['apply forwarding look']);
    expect(told(four, claim('six', 4, 6), seen({ on: [4] }), applied(inForce(4, 6)))).toContain(
      'tell network/six forwarding.granted',
    );
  });

  it('the host does not grant a claim after a plan for another family', () => {
    const both = reach(serving, claim('four', 4), claim('six', 6), seen());
    const first = follow(hostMachine, both, seen(), applied(inForce(4)));
    expect(first.effects.map(brief)).not.toContain('tell network/six forwarding.granted');
  });

  it('the host refuses waiting claims when forwarding fails, and keeps none of them', () => {
    expect(told(opening, failed(inForce(4, 6)))).toEqual(['tell network/six forwarding.refused']);
    expect(reach(opening, failed(inForce(4, 6))).context).toMatchObject({ claims: {}, forwarding: {} });
    expect(told(asked, failed(looking))).toEqual(['tell network/six forwarding.refused']);
    // an incomplete undo is recorded, and completed later
    expect(reach(opening, failed(inForce(4, 6), littered)).context.forwarding[6]?.turned).toContain('up0');
  });
});

describe('the release of a family by its last network', () => {
  it('N03 the release of a family by its last network switches IPv6 off, and then restores accept_ra', () => {
    expect(planned(open, release('six'))).toEqual({
      'forwarding close 6': [
        'sysctl.turn net.ipv6.conf.all.forwarding=0',
        'sysctl.turn net.ipv6.conf.up0.accept_ra=1',
        'sysctl.turn net.ipv6.conf.vlan.5.accept_ra=1',
        'sysctl.turn net.ipv6.conf.default.accept_ra=1',
        'nft.delete closed_families { ipv6 }',
      ],
    });
    const closed = reach(open, release('six'), applied(noMore(6)));
    expect(Object.keys(closed.context.forwarding)).toEqual(['4']);
    // IPv4 forwarding stays, and foreign links stay apart
    expect(planned(closed, { type: 'drift.suspected' }).mend).toEqual(['nft.load', 'nft.add closed_families { ipv4 }']);
    expect(planned(closed, seen({ on: [4] }))).toEqual({});
  });

  it('the release of a family by its last network waits for the last network of IPv6', () => {
    expect(told(open, claim('other', 6), release('six'))).toEqual([]);
  });

  it('N03 the release of a family by its last network leaves a link alone that a survey under way reports afterwards', () => {
    const survey = seen({ acceptRa: { ...nothingOn.acceptRa, up0: 2, 'vlan.5': 2, default: 2, late: 1 }, on: [4, 6] });
    expect(planned(open, survey)['forwarding links']).toEqual(['sysctl.turn net.ipv6.conf.late.accept_ra=2']);
    const leaving = reach(open, { type: 'links.seen' }, release('six'));
    expect(planned(leaving, survey)).toEqual({});
    // the next network sets it, and resets it
    const next = reach(leaving, survey, applied(noMore(6)), claim('next', 6));
    const again = reach(next, seen({ acceptRa: { late: 1 }, on: [4] }), applied(inForce(6)));
    expect(planned(again, release('next'))['forwarding close 6']).toContain(
      'sysctl.turn net.ipv6.conf.late.accept_ra=1',
    );
  });

  it('the release of a family by its last network may be followed by another claim before it is finished', () => {
    const again = reach(open, release('six'), claim('next', 6), applied(noMore(6)));
    expect(told(again, seen({ on: [4] }))).toContain('apply forwarding open 6');
    expect(told(again, seen({ on: [4] }), applied(inForce(6)))).toContain('tell network/next forwarding.granted');
  });
});

describe('changes by other programs', () => {
  const drifted = applied(
    mending,
    [{ drifted: [{ key: 'net.ipv4.ip_forward', found: '0', wanted: '1' }] }],
    [{ verb: 'sysctl.turn', key: 'net/ipv4/ip_forward', from: '0', to: '1' }],
  );

  it('N09 changes by other programs are reset, and announced with the found value', () => {
    expect(planned(open, { type: 'drift.suspected' })).toMatchObject({ 'forwarding look': ['forwarding.survey'] });
    expect(planned(open, seen())['forwarding mend']).toEqual([
      'sysctl.turn net.ipv4.ip_forward=1',
      'sysctl.turn net.ipv4.conf.default.forwarding=1',
      'sysctl.turn net.ipv6.conf.up0.accept_ra=2',
      'sysctl.turn net.ipv6.conf.vlan.5.accept_ra=2',
      'sysctl.turn net.ipv6.conf.default.accept_ra=2',
      'sysctl.turn net.ipv6.conf.all.forwarding=1',
      'sysctl.turn net.ipv6.conf.default.forwarding=1',
    ]);
    const { effects } = follow(hostMachine, open, drifted);
    expect(effects).toMatchObject([
      {
        fact: 'drift-detected',
        data: { what: 'forwarding', drifted: [{ key: 'net.ipv4.ip_forward', found: '0', wanted: '1' }] },
      },
      { fact: 'drift-healed' },
    ]);
    expect(told(open, applied(mending))).toEqual([]);
    expect(told(open, failed(mending))).toEqual(['announce drift-detected', 'announce degraded']);
  });

  it('N03 links added by other programs are treated like earlier ones, and are no drift', () => {
    const acceptRa = { ...nothingOn.acceptRa, up0: 2, 'vlan.5': 2, default: 2, late0: 2, late1: 1, late2: 0 };
    const links = planned(open, { type: 'links.seen' }, seen({ acceptRa, on: [4, 6] }));
    expect(links['forwarding links']).toEqual([
      'sysctl.turn net.ipv6.conf.late1.accept_ra=2',
      'sysctl.turn net.ipv6.conf.late0.accept_ra=2',
    ]);
    const { turned, left } = reach(open, seen({ acceptRa, on: [4, 6] })).context.forwarding[6] ?? {};
    expect(turned).toEqual(['up0', 'vlan.5', 'default', 'late1', 'late0']);
    expect(left).toEqual(['up1', 'up2', 'late2']);
  });

  it('B05 traffic on a foreign bridge is left alone, where br_netfilter shows it', () => {
    const bridged = reach(asked, seen({ bridges: ['virbr0'] }), applied(inForce(4, 6)));
    expect(planned(asked, seen({ bridges: ['virbr0'] }))['forwarding open 4 6']).toContain(
      'nft.add closed_families { ipv6 }, same_link { virbr0 . virbr0 }',
    );
    expect(planned(bridged, seen())['forwarding links']).toContain('nft.delete same_link { virbr0 . virbr0 }');
  });

  it('B05 a bridge that netloom is making is not taken for a foreign one', () => {
    const noted = reach(
      asked,
      { type: 'subnet.note', network: 'back', bridge: 'netloom1', sharesLink: false, subnets: [] },
      { type: 'subnet.note', network: 'lan', bridge: 'virbr0', sharesLink: true, subnets: [] },
    );
    const survey = seen({ bridges: ['virbr0', 'netloom1'], acceptRa: { netloom1: 1 } });
    const forwarding = reach(noted, survey).context.forwarding;
    expect(forwarding[6]?.bridges).toEqual(['virbr0']);
    expect(forwarding[6]?.turned).not.toContain('netloom1');
  });
});

describe('another daemon on the same host', () => {
  it('B05 the next daemon on the same host finds in the journal whether forwarding was on, and verifies that everything is in force', () => {
    const again = reach(open, recovered(false), { type: 'host.start' });
    expect(again.context.forwarding).toEqual(open.context.forwarding);
    expect(told(again, applied('base'))).toContain('apply forwarding look');
  });

  it('B05 the next daemon on the same host lets foreign links reach each other when configured so', () => {
    expect(planned(open, { type: 'host.start', forwardForeign: true }).base).toEqual([
      'nft.load',
      'nft.delete closed_families { ipv4 }, closed_families { ipv6 }',
    ]);
    const lifted = reach(open, { type: 'host.start', forwardForeign: true }, applied('base'));
    expect(planned(lifted, { type: 'host.start' }).base).toEqual([
      'nft.load',
      'nft.add closed_families { ipv4 }, closed_families { ipv6 }',
    ]);
  });

  it('the next daemon on the same host has no claims after a reboot', () => {
    expect(reach(open, recovered(true)).context).toMatchObject({ claims: {}, forwarding: {} });
  });
});
