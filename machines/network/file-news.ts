import { assertEvent } from 'xstate';
import { containerAddress, hostAddress } from '../../src/core/actor-address.ts';
import type { NetworkEvent } from '../../src/core/actor-event.ts';
import { linkUse } from '../../src/core/network/check.ts';
import { type NetworkDefinition, ownsBridge } from '../../src/core/network/definition.ts';
import { isSameNetwork } from '../../src/core/network/identity.ts';
import { changeableOptions } from '../../src/core/network/options.ts';
import type { Verb } from '../../src/core/steps/step.ts';
import { driftFacts } from '../drift.ts';
import type { Effect } from '../effect.ts';
import { present } from '../present.ts';
import { claimsPlace, definitionOf, type NetworkContext } from './context.ts';
import { decide, decision, type Given, remember } from './decisions.ts';
import { isKept, isUsed } from './leases.ts';

/** News about a network's file: another program has made, changed or removed it. */

/** Checks whether the file has other values for these than those in force. */
export const saysOther = ({ definition }: NetworkContext, found: NetworkEvent | null): boolean =>
  found?.type === 'definition.found' &&
  definition !== null &&
  JSON.stringify(livingParts(found.definition)) !== JSON.stringify(livingParts(definition));

/** Checks whether the file is another network's of that name, and no container uses the known one. */
export const isReplacedBy = (context: NetworkContext, found: NetworkEvent | null): boolean =>
  found?.type === 'definition.found' &&
  context.definition !== null &&
  !isUsed(context) &&
  !isSameNetwork(context.definition, found.definition);

const livingParts = ({ network_dns_servers, options }: NetworkDefinition) => [
  network_dns_servers,
  changeableOptions.map((name) => options[name] ?? null),
];

const isFileBack = (context: NetworkContext, event: NetworkEvent): boolean =>
  context.removal?.by === 'loss' &&
  event.type === 'definition.found' &&
  isSameNetwork(definitionOf(context), event.definition);

/** Checks whether a file that is found is this network's: one that goes without its file is another's. */
export const isStaying = ({ context }: Given): boolean => context.removal?.by !== 'loss';

/** The step by which a file comes back, as drift names it. */
const written: Verb = 'definition.write';

export const fileNewsActions = {
  /** Keeps a foreign definition, without a claim and without writing a file. */
  note: decision(({ context: { name, waiting, successor }, event }) => {
    const found = event.type === 'definition.found' ? event.definition : successor;
    const first = event.type === 'lease.request' ? event : waiting.find((request) => request.definition);
    const definition = present(found ?? first?.definition, 'a definition that was found or brought');
    const { created, network_interface: bridge, subnets } = definition;
    const context = { definition, created, successor: null, removal: null, lastGiven: {}, macs: {} };
    // a network of an engine takes its place when the host grants it
    if (found === null && claimsPlace(definition)) return { context };
    const [use, sharesLink] = [linkUse(definition), !ownsBridge(definition)];
    const noted = { type: 'subnet.note', network: name, bridge, sharesLink, use, subnets } as const;
    return { context, effects: [{ kind: 'tell', to: hostAddress, event: noted }] };
  }),
  announceFound: decide(({ context }) => [
    { kind: 'announce', fact: 'created', data: { definition: definitionOf(context) } },
  ]),
  announceWritten: decide(({ event }) => {
    assertEvent(event, 'steps.applied');
    return driftFacts({ steps: [written], tookMs: event.tookMs });
  }),
  keepSuccessor: remember(({ context, event }) => {
    const found = context.news ?? event;
    assertEvent(found, 'definition.found');
    return { successor: found.definition };
  }),
  /** Keeps the file's definition, which takes effect when the last member leaves. */
  noteSuccessor: remember(({ context, event }) => {
    const found = context.news ?? event;
    assertEvent(found, 'definition.found');
    const isSame = isSameNetwork(definitionOf(context), found.definition);
    return { successor: isSame ? null : found.definition };
  }),
  forgetSuccessor: remember(() => ({ successor: null })),
  keepNews: remember(({ event }) => {
    assertEvent(event, ['definition.found', 'definition.lost']);
    return { news: event };
  }),
  keepLossAsNews: remember(() => ({ news: { type: 'definition.lost' } })),
  forgetNews: remember(() => ({ news: null })),
  /** Asks members after a check of each: a member that has lost its namespace leaves. */
  askMembers: decision(({ context: { leases, waiting, name } }) => {
    const members = new Set([...Object.keys(leases), ...waiting.map(({ container }) => container)]);
    const effects = [...members].flatMap((id): Effect<'network'>[] => [
      { kind: 'tell', to: containerAddress(id), event: { type: 'drift.suspected' } },
      { kind: 'tell', to: containerAddress(id), event: { type: 'membership.asked', command: null, network: name } },
    ]);
    return { context: { successor: null }, effects };
  }),
};

export const fileNewsGuards = {
  isStaying,
  hasNews: ({ context }: Given) => context.news !== null,
  isLoss: ({ context: { news } }: Given) => news?.type === 'definition.lost',
  isLossOfLeft: ({ context }: Given) => context.news?.type === 'definition.lost' && !isKept(context),
  newsSaysOther: ({ context }: Given) => saysOther(context, context.news),
  saysOther: ({ context, event }: Given) => saysOther(context, event),
  isFileBack: ({ context, event }: Given) => isFileBack(context, event),
};
