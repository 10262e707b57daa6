import { assertEvent } from 'xstate';
import { hostAddress } from '../../src/core/actor-address.ts';
import { linkUse } from '../../src/core/network/check.ts';
import { networkDefinition } from '../../src/core/network/wish.ts';
import { definePlan } from '../../src/core/plan/network.ts';
import { present } from '../present.ts';
import { defaultWish, definitionOf, firstContext, inputOf, isOfDefault, wishOf } from './context.ts';
import { decide, type Given, refuse, remember, resultOf } from './decisions.ts';

/** Definition of a new network: its wish, its claim at the host, its file. */

export const definingActions = {
  keepWish: remember(({ event }) => {
    assertEvent(event, 'network.create');
    return { wish: event.wish, created: event.created, command: event.command };
  }),
  /** The wish of the default network (P10). */
  keepDefaultWish: remember(({ context: { name }, event }) => {
    assertEvent(event, 'lease.request');
    return { ...defaultWish(name, event), command: null };
  }),
  /** Keeps nothing of the former network except the waiting requests. */
  becomeDefault: remember(({ context: { waiting, ...former } }) => ({
    ...firstContext(inputOf(former)),
    ...defaultWish(former.name, present(waiting.find(isOfDefault), 'the request of a container')),
    waiting,
  })),
  claimSubnets: decide(({ context }) => {
    const wish = wishOf(context);
    const { driver, link: bridge, sharesLink, subnets, automatic } = wish;
    const needsBridge = driver === 'bridge' && sharesLink;
    const use = linkUse(wish);
    return [
      {
        kind: 'tell',
        to: hostAddress,
        event: {
          type: 'subnet.claim',
          network: context.name,
          bridge,
          sharesLink,
          needsBridge,
          subnets,
          automatic,
          use,
        },
      },
    ];
  }),
  define: remember(({ context, event }) => {
    assertEvent(event, 'subnet.granted');
    return { definition: networkDefinition(wishOf(context), { ...event, created: context.created }) };
  }),
  write: decide(({ context }) => [{ kind: 'apply', plan: definePlan(definitionOf(context)) }]),
  announceCreated: decide(({ context }) => {
    const data = { definition: definitionOf(context) };
    return [
      { kind: 'announce', fact: 'created', data },
      { kind: 'reply', command: context.command, output: data },
    ];
  }),
  announceRefused: decide(({ context: { command }, event }) => {
    assertEvent(event, 'subnet.refused');
    return [
      { kind: 'announce', fact: 'failed', data: { fault: event.fault } },
      { kind: 'reply', command, fault: event.fault },
    ];
  }),
  refuseDefinition: decide(({ context: { command, name }, event }) => {
    assertEvent(event, 'steps.failed');
    return [
      { kind: 'tell', to: hostAddress, event: { type: 'subnet.release', network: name } },
      { kind: 'announce', fact: 'failed', data: { fault: event.fault } },
      { kind: 'reply', command, fault: event.fault },
    ];
  }),
  forgetWish: remember(() => ({ wish: null, command: null })),
  releaseSubnets: decide(({ context: { name } }) => [
    { kind: 'tell', to: hostAddress, event: { type: 'subnet.release', network: name } },
  ]),
  refuseUnknown: refuse('network.unknown', ({ context }) => `no network ${context.name}`),
  refuseExists: refuse('network.exists', ({ context }) => `network already exists: ${context.name}`),
};

export const definingGuards = {
  isOfDefault: ({ event }: Given) => event.type === 'lease.request' && isOfDefault(event),
  /** Containers need the network: no command created it. */
  isWanted: ({ context: { command } }: Given) => command === null,
  isDefine: resultOf('define'),
};
