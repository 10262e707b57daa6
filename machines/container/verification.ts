import { assertEvent } from 'xstate';
import { networkAddress } from '../../src/core/actor-address.ts';
import type { ContainerEvent } from '../../src/core/actor-event.ts';
import { fault } from '../../src/core/fault.ts';
import { degradedFacts, mendedFacts, rulesetLoaded } from '../drift.ts';
import type { Effect } from '../effect.ts';
import { leftOutFacts } from './changes/unreachable-ports.ts';
import { grantOf, statusOf } from './context.ts';
import { commandOf, decide, type Given, isResultOf, nameOf, remember } from './decisions.ts';
import { faultOfLeases, lacksLease } from './dhcp.ts';

/** Comparison of the kernel with the wish: after a restart of the daemon, after a suspected loss, and by command. */

const suspicionOf = ({ type }: ContainerEvent): 'recovery' | 'drift' =>
  type === 'actor.recovered' ? 'recovery' : 'drift';

export const verificationActions = {
  keepReload: remember(({ event }) => ({ change: { kind: 'reload' }, command: commandOf(event) })),
  keepSuspicion: remember(({ context, event }) => ({
    change: { kind: context.suspected ?? suspicionOf(event) },
    suspected: null,
  })),
  /** Checks networks, because a reload covers all that the container needs: each network mends its own objects, and announces it. */
  suspectNetworks: decide(({ context }) =>
    (context.wish?.attachments ?? []).map(({ network }) => ({
      kind: 'tell',
      to: networkAddress(network),
      event: { type: 'drift.suspected' },
    })),
  ),
  suspect: remember(({ event }) => ({ suspected: suspicionOf(event) })),
  keepVerified: remember(({ context, event }) => {
    assertEvent(event, 'steps.applied');
    const { change, kernelMs } = context;
    return {
      kernelMs: change?.kind === 'reload' ? event.tookMs : kernelMs,
      lastFault: faultOfLeases(context),
    };
  }),
  announceVerified: decide(({ context, event }) => {
    assertEvent(event, 'steps.applied');
    const { netns } = statusOf(context);
    const adopted: Effect<'container'>[] =
      context.change?.kind === 'recovery' ? [{ kind: 'announce', fact: 'adopted', data: { netns } }] : [];
    const leftOut = context.change?.kind === 'reload' ? leftOutFacts(grantOf(context)) : [];
    const wasDegraded = context.lastFault !== null && !lacksLease(context);
    return [...adopted, ...mendedFacts(event, wasDegraded), ...leftOut, ...rulesetLoaded(event.changed)];
  }),
  announceDegraded: decide(({ event }) => {
    assertEvent(event, 'steps.failed');
    return degradedFacts({ steps: event.changed, fault: event.fault });
  }),
  announceLost: decide(({ context, event }) => [
    {
      kind: 'announce',
      fact: 'lost',
      data: event.type === 'steps.failed' ? { cause: 'missing', fault: event.fault } : { cause: 'reboot' },
    },
    {
      kind: 'reply',
      command: context.command,
      fault: fault('container.state', `the network of container ${nameOf(context)} was lost`),
    },
  ]),
  /** Confirms membership after the verification: a container that is up has its namespace. */
  confirmMembership: decide(({ context: { id, leases }, event }) => {
    assertEvent(event, 'membership.asked');
    const { network } = event;
    const confirmed = { type: 'membership.confirmed', container: id } as const;
    return Object.hasOwn(leases, network) ? [{ kind: 'tell', to: networkAddress(network), event: confirmed }] : [];
  }),
};

export const isVerifyThatFoundNothing = ({ event }: Given): boolean =>
  isResultOf(event, 'verify') && event.type === 'steps.failed' && event.fault.code === 'netns.gone';

export const verificationGuards = {
  isVerifyThatFoundNothing,
  isVerify: ({ event }: Given) => isResultOf(event, 'verify'),
  isVerifyThatFoundSomething: ({ event }: Given) =>
    isResultOf(event, 'verify') && event.type === 'steps.failed' && event.fault.code !== 'netns.gone',
  isSuspected: ({ context }: Given) => context.suspected !== null,
};
