import { type NetworkContext, networkMachine } from '../../../machines/network/chart.ts';
import type { ActorEvent, LeaseRequest } from '../../../src/core/actor-event.ts';
import type { Purpose } from '../../../src/core/plan/purpose.ts';
import type { StepOutput } from '../../../src/core/steps/step.ts';
import { definitionOf, networkWishOf } from '../../core/samples.ts';
import { applied, failed, littered, recovered, refusal, type Snapshot, stateName, type Terrain } from '../walk.ts';

/** The events of a network, with the fewest names and numbers that reach every state. */

const definition = definitionOf();
export const device = {
  name: 'netloom0',
  mtuBytes: 1500,
  macAddress: '02:00:00:00:00:01',
  addresses: ['10.89.0.1'],
  routesLoopback: false,
};
export const networkWish = networkWishOf();

export const leaseRequest = (container: string, more: Partial<LeaseRequest> = {}): LeaseRequest => ({
  type: 'lease.request',
  container,
  attempt: 1,
  staticIps: [],
  aliases: [],
  onLoopback: false,
  ...more,
});

/** A network of the same name, as another engine knows it. */
export const foreignDefinition = { ...definition, id: 'f'.repeat(64), network_interface: 'podman1' };

export const networkTerrain: Terrain<NetworkContext> = {
  machine: networkMachine,
  input: { name: 'demo', searchDomain: 'dns.netloom', node: 'testnode' },
  elsewhere: ['present.device.emptying'],
  events: ({ snapshot, outstanding }) => {
    const { context } = snapshot;
    const value = stateName(snapshot.value);
    const command = 'c';
    const { network_interface: bridge, subnets } = definition;
    const answers: ActorEvent[] = [
      { type: 'subnet.granted', bridge, subnets },
      { type: 'subnet.refused', fault: refusal },
    ];
    const events: ActorEvent[] = [
      { type: 'network.create', command, wish: networkWish, created: '2026-01-01T00:00:00Z' },
      ...(value === 'absent' || (value === 'lowering' && isQuiet(snapshot, outstanding) && context.successor === null)
        ? [leaseRequest('b', { madeAt: '2026-01-01T00:00:00Z' })]
        : []),
      { type: 'network.remove', command },
      { type: 'network.update', command, addDnsServers: ['192.0.2.53'], removeDnsServers: [] },
      { type: 'definition.found', definition },
      ...(outstanding.length < 1 ? ([{ type: 'definition.lost' }] as const) : []),
      ...(outstanding.length < 2 && !isDueLater(snapshot) ? ([{ type: 'drift.suspected' }] as const) : []),
      ...(value === 'claiming' ? answers : []),
      ...(value === 'routing'
        ? ([{ type: 'forwarding.granted' }, { type: 'forwarding.refused', fault: refusal }] as const)
        : []),
      ...['a', 'b'].flatMap((container): ActorEvent[] => [
        ...(isAsking(context, container) ? [] : [leaseRequest(container)]),
        { type: 'lease.release', container },
      ]),
      ...(isQuiet(snapshot, outstanding)
        ? [
            leaseRequest('a', { staticIps: ['10.99.0.1'] }),
            leaseRequest('b', { definition: foreignDefinition }),
            leaseRequest('b', { onLoopback: true }),
          ]
        : []),
      ...(outstanding.length < 2 && !isTransient(snapshot) ? [recovered(false)] : []),
      ...(isTransient(snapshot) && outstanding.length < 1 && context.waiting.length + context.held.length < 1
        ? ([{ type: 'membership.confirmed', container: 'a' }] as const)
        : []),
      recovered(true),
    ];
    const isCrowded =
      context.waiting.length + context.held.length >= 2 || (value === 'degraded' && outstanding.length >= 2);
    return events.filter(
      ({ type }) => (type !== 'lease.request' || !isCrowded) && !(isOther(snapshot) && isBeside(type)),
    );
  },
  results: (purpose) => [applied(purpose, outputsOf(purpose)), failed(purpose, littered)],
  essence: (context) => [
    context.leaving,
    context.held.map(({ request }) => [request.container, request.staticIps, request.definition?.id]),
    context.waitsUntil,
    context.removal && [context.removal.by, context.removal.isForced, Object.keys(context.removal.refusals)],
    context.wish !== null,
    context.definition !== null,
    context.device !== null,
    context.update?.network_dns_servers,
    context.definition?.network_dns_servers,
    context.device?.routesLoopback,
    context.onLoopback,
    context.definition?.id,
    context.successor?.id,
    context.news?.type,
    context.lastFault !== null,
    context.command,
    Object.keys(context.leases).sort(),
    context.waiting.map(({ container, staticIps, definition, madeAt }) => [
      container,
      staticIps,
      definition?.id,
      madeAt,
    ]),
  ],
};

const outputsOf = ({ kind }: Purpose): StepOutput[] =>
  kind === 'raise' ? [{ link: device }] : kind === 'await-leaving' ? [{ deadlineAt: 5 }] : [];

/** A network whose members are leaving, or are asked to leave; unrelated events are left out. */
export const leftNetworkTerrain: Terrain<NetworkContext> = {
  ...networkTerrain,
  elsewhere: [
    'claiming',
    'defining',
    'present.device.updating',
    'present.device.closing',
    'present.device.verifying',
    'present.definition.restoring',
    'present.verification.due',
    'present.verification.adoption',
  ],
  events: ({ snapshot, outstanding }): ActorEvent[] => {
    const { context } = snapshot;
    const value = stateName(snapshot.value);
    const command = 'c';
    const { leases, leaving, waiting, removal, waitsUntil } = context;
    const isMember = (container: string) => Object.hasOwn(leases, container);
    const isIdle = outstanding.length < 1;
    const isAsked = (container: string) => isAsking(context, container);
    const found: ActorEvent = { type: 'definition.found', definition };
    const another: ActorEvent = { type: 'definition.found', definition: foreignDefinition };
    const inBetween: ActorEvent[] = [found, another, { type: 'drift.suspected' }, recovered(false)];
    const removals: ActorEvent[] = [
      { type: 'network.remove', command },
      { type: 'network.remove', command, force: true },
      { type: 'network.prune', command: null },
    ];
    if (value === 'absent') return [found, { type: 'network.prune', command: null }, recovered(true)];
    const isLeft = leaving.includes('a');
    const isNew = (container: string) => !isMember(container) && !isAsked(container);
    const requests: ActorEvent[] = [
      leaseRequest('b', { staticIps: ['10.89.0.2'] }),
      leaseRequest('b', { definition: foreignDefinition }),
    ];
    return [
      ...(value === 'defined' && isNew('a') ? [leaseRequest('a')] : []),
      ...(isLeft && isNew('b') && waiting.length + outstanding.length < 1 ? requests : []),
      ...['a', 'b'].map((container): ActorEvent => ({ type: 'lease.release', container })),
      ...(isMember('a') && !isLeft ? [{ type: 'lease.leaving', container: 'a' } as const] : []),
      ...(isMember('a') && isLeft && isIdle ? [leaseRequest('a')] : []),
      ...(outstanding.length < 2 ? removals : []),
      ...(removal?.isForced ? [{ type: 'membership.refused', container: 'a', fault: refusal } as const] : []),
      ...(isIdle && isLeft ? [{ type: 'definition.lost' } as const] : []),
      ...(isIdle && value === 'emptying' ? inBetween : []),
      ...(waitsUntil === null ? [] : [deadlineOf(context)]),
      ...(value === 'routing' ? [{ type: 'forwarding.granted' } as const] : []),
      recovered(true),
    ];
  },
};

const deadlineOf = ({ waitsUntil }: NetworkContext): ActorEvent => ({
  type: 'deadline.passed',
  command: null,
  deadline: 'leaving',
  at: waitsUntil ?? 0,
});

/** States in which another definition is accepted: elsewhere it waits, or is refused, like any request. */
function isQuiet(snapshot: Snapshot<NetworkContext>, outstanding: unknown[]): boolean {
  const { wish, leases, waiting, lastFault, update } = snapshot.context;
  // a network from a file can get all events of one without a wish
  if (wish !== null) return false;
  const isEmpty = Object.keys(leases).length === 0 && waiting.length === 0 && outstanding.length < 2;
  return isEmpty && !isDueLater(snapshot) && lastFault === null && update === null;
}

/** A network that an engine brought, or that routes loopback addresses. */
const isOther = (snapshot: Snapshot<NetworkContext>): boolean =>
  isTransient(snapshot) || snapshot.context.onLoopback.length > 0 || (snapshot.context.device?.routesLoopback ?? false);

/** It has no file, or not yet again. */
const isTransient = (snapshot: Snapshot<NetworkContext>): boolean =>
  ['transient', 'restoring'].some((definition) => snapshot.matches({ present: { definition } }));

/** A verification is due, or under way. */
const isDueLater = (snapshot: Snapshot<NetworkContext>): boolean =>
  ['due', 'adoption'].some((verification) => snapshot.matches({ present: { verification } })) ||
  snapshot.matches({ present: { device: 'verifying' } });

/** The events that such a network has in common with others. */
const isBeside = (type: string): boolean => type === 'network.update' || type === 'drift.suspected';

function isAsking({ waiting, held }: NetworkContext, container: string): boolean {
  return [...waiting, ...held.map(({ request }) => request)].some((request) => request.container === container);
}
