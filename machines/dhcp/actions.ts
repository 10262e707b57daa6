import { assertEvent, assign, setup } from 'xstate';
import { containerAddress } from '../../src/core/actor-address.ts';
import type { DhcpEvent } from '../../src/core/actor-event.ts';
import type { DhcpQuestion } from '../../src/core/dhcp/requests.ts';
import { type DhcpTerms, isSameTerms } from '../../src/core/dhcp/terms.ts';
import { type Fault, fault } from '../../src/core/fault.ts';
import type { DhcpPurpose } from '../../src/core/plan/purpose.ts';
import type { Step } from '../../src/core/steps/step.ts';
import { decisionsOf, effectsOf, isResultOf, wasRebooted, wasRestarted } from '../decisions.ts';
import type { Effect } from '../effect.ts';
import { present } from '../present.ts';
import { addressesOf, type DhcpContext, type DhcpInput, leaseData, ownerOf, requestOf, termsOf } from './context.ts';

/** How long a container waits for its first address. */
const patienceMs = 5_000;

const { decide } = decisionsOf<DhcpContext, DhcpEvent, 'dhcp'>();

const apply = (purpose: DhcpPurpose, ...steps: Step[]): Effect<'dhcp'> => ({
  kind: 'apply',
  plan: { purpose, kind: 'build', steps },
});

const asking = (question: DhcpQuestion['kind']): DhcpPurpose => ({ kind: 'ask', question });

function ask(context: DhcpContext, question: DhcpQuestion, withinMs: number | null): Step {
  return { verb: 'dhcp.ask', owner: ownerOf(context), place: present(context.place, 'the place'), question, withinMs };
}

const keep = (context: DhcpContext): Step => ({
  verb: 'dhcp.keep',
  owner: ownerOf(context),
  times: context.terms?.times ?? null,
});

const acknowledged = (event: DhcpEvent): DhcpTerms => {
  assertEvent(event, 'dhcp.acknowledged');
  return event.terms;
};

/** Returns the fault: why there is no address, or no longer one. */
function lossOf({ network, terms, avoid }: DhcpContext, event: DhcpEvent): Fault {
  switch (event.type) {
    case 'dhcp.timeout': {
      const silent = avoid && `server ${avoid} offered an address, but did not answer the request for it`;
      const received = event.detail ?? silent ?? 'nothing was received';
      return fault(
        'dhcp.timeout',
        `no DHCP server on network ${network} assigned an address within ${patienceMs / 1000} s: ${received}`,
      );
    }
    case 'dhcp.refused':
      return fault(
        'dhcp.refused',
        `the DHCP server${event.server ? ` ${event.server}` : ''} on network ${network} revoked ${terms?.address}${event.message ? `: ${event.message}` : ''}`,
      );
    case 'steps.failed':
      return event.fault;
    default:
      return fault('dhcp.expired', `the DHCP lease of ${terms?.address} on network ${network} expired without renewal`);
  }
}

/** Actions and guards of the chart. */
export const dhcpSetup = setup({
  types: { context: {} as DhcpContext, events: {} as DhcpEvent, input: {} as DhcpInput },
  actions: {
    ...effectsOf<'dhcp'>(),

    keepPlace: assign(({ event }) => {
      assertEvent(event, 'dhcp.start');
      return { attempt: event.attempt, place: event.place, offer: null, avoid: null, terms: null };
    }),
    keepNeighbours: assign(({ context, event }) => {
      assertEvent(event, 'dhcp.neighbours');
      const { otherSubnets } = event;
      return { place: context.place && { ...context.place, otherSubnets } };
    }),
    keepOffer: assign(({ event }) => {
      assertEvent(event, 'dhcp.offered');
      return { offer: event.terms };
    }),
    keepSilence: assign(({ context }) => ({ offer: null, avoid: context.offer?.server ?? null })),
    keepTerms: assign(({ event }) => ({ offer: null, avoid: null, terms: acknowledged(event) })),
    forget: assign({ attempt: 0, place: null, offer: null, avoid: null, terms: null }),

    // ---- asking
    discover: decide(({ context }) => [
      apply(asking('discover'), ask(context, { kind: 'discover', address: null, avoid: context.avoid }, patienceMs)),
    ]),
    /** Asks for the same address as before, if possible; clears the timers of the ended lease. */
    discoverAgain: decide(({ context }) => {
      const question = { kind: 'discover', address: context.terms?.address ?? null, avoid: context.avoid } as const;
      const silence: Step = { verb: 'dhcp.keep', owner: ownerOf(context), times: null };
      return [apply(asking('discover'), silence, ask(context, question, null))];
    }),
    request: decide(({ context }) => [apply(asking('request'), ask(context, requestOf(context), patienceMs))]),
    requestAgain: decide(({ context }) => [apply(asking('request'), ask(context, requestOf(context), null))]),
    keep: decide(({ context }) => [apply({ kind: 'keep' }, keep(context))]),
    renew: decide(({ context }) => {
      const { address, server, serverMac } = termsOf(context);
      return [apply(asking('renew'), keep(context), ask(context, { kind: 'renew', address, server, serverMac }, null))];
    }),
    rebind: decide(({ context }) => {
      const { address } = termsOf(context);
      return [apply(asking('rebind'), keep(context), ask(context, { kind: 'rebind', address }, null))];
    }),
    stop: decide(({ context }) => [apply({ kind: 'stop' }, { verb: 'dhcp.stop', owner: ownerOf(context) })]),

    // ---- telling
    tellLeased: decide(({ context, event }) => {
      const { container, network, attempt } = context;
      const terms = acknowledged(event);
      return [
        { kind: 'announce', fact: 'leased', data: leaseData(context, terms) },
        {
          kind: 'tell',
          to: containerAddress(container),
          event: { type: 'dhcp.leased', command: null, network, attempt, terms },
        },
      ];
    }),
    tellLost: decide(({ context, event }) => {
      const { container, network, attempt } = context;
      const lost = { type: 'dhcp.lost', command: null, network, attempt, fault: lossOf(context, event) } as const;
      return [{ kind: 'tell', to: containerAddress(container), event: lost }];
    }),
    announceRenewed: decide(({ context, event }) => [
      { kind: 'announce', fact: 'lease-renewed', data: leaseData(context, acknowledged(event)) },
    ]),
    announceLost: decide(({ context, event }) => [
      {
        kind: 'announce',
        fact: 'lease-lost',
        data: { network: context.network, addresses: addressesOf(context), fault: lossOf(context, event) },
      },
    ]),
    announceUnasked: decide(({ context, event }) => {
      assertEvent(event, 'steps.failed');
      const data = { network: context.network, addresses: addressesOf(context), fault: event.fault };
      return [{ kind: 'announce', fact: 'lease-unrenewed', data }];
    }),
  },
  guards: {
    isOther: ({ context, event }) => event.type === 'dhcp.acknowledged' && !isSameTerms(event.terms, context.terms),
    isStop: ({ event }) => isResultOf(event, 'stop'),
    wasRestarted,
    wasRebooted,
  },
});
