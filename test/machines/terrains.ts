import { type ContainerContext, containerMachine } from '../../machines/container/chart.ts';
import { type DhcpContext, dhcpMachine } from '../../machines/dhcp/chart.ts';
import { type HostContext, hostMachine } from '../../machines/host/chart.ts';
import { type NetworkContext, networkMachine } from '../../machines/network/chart.ts';
import { hostAddress } from '../../src/core/actor-address.ts';
import type { ActorEvent, LeaseRequest, NetnsShare } from '../../src/core/actor-event.ts';
import type { ContainerWish } from '../../src/core/container/wish.ts';
import { fault } from '../../src/core/fault.ts';
import { withTerms } from '../../src/core/lease/lease.ts';
import type { Purpose } from '../../src/core/plan/purpose.ts';
import type { PublishedPort } from '../../src/core/port.ts';
import type { StepOutput } from '../../src/core/steps/step.ts';
import { definitionOf, leaseOf, networkWishOf, termsOf, wishOf } from '../core/samples.ts';
import { applied, failed, littered, recovered, type Snapshot, stateName, type Terrain } from './walk.ts';

/** The events of each machine, with the fewest names and numbers that reach every state. */

const noServer = fault('dhcp.timeout', 'no DHCP server gave an address');
const refusal = fault('address.exhausted', 'no address is left');

// -------------------------------------------------------------------------------------------------------- container

export const wishes = {
  bridge: wishOf({
    networks: [{ network: 'demo' }],
    ports: [{ hostPort: 8080, containerPort: 80 }],
    removeOnExit: true,
  }),
  kept: wishOf({ networks: [{ network: 'demo' }] }),
  shared: wishOf({ mode: 'container:db' }),
  none: wishOf({ mode: 'none' }),
};

/** A wish for an address from a DHCP server. */
export const leasedWish = wishOf({ networks: [{ network: 'lan' }] });

/** A lease whose address a DHCP server will assign. */
export const dhcpLeaseOf = (network: string, attempt: number) =>
  withTerms(
    leaseOf({
      network,
      link: { kind: 'macvlan', parent: 'eth0', mode: 'bridge', broadcastLimit: null },
      macAddress: '02:00:00:00:00:07',
      dhcp: { attempt, terms: null },
    }),
    null,
  );

/** Messages of its client. */
export function newsOf({ leases, deferred }: ContainerContext): ActorEvent[] {
  if (deferred.length > 0) return [];
  return Object.values(leases).flatMap(({ network, dhcp }): ActorEvent[] => {
    if (!dhcp) return [];
    const lost = { type: 'dhcp.lost', command: null, network, fault: noServer } as const;
    return [
      { type: 'dhcp.leased', command: null, network, attempt: dhcp.attempt, terms: termsOf() },
      { ...lost, attempt: dhcp.attempt },
      { ...lost, attempt: dhcp.attempt - 1 },
    ];
  });
}

export const share: NetnsShare = { path: '/netns/netloom-db', status: {}, owner: 'container/db' };

/** The answers that a claim of this attempt is waiting for. */
export function grantsFor({ awaiting, attempt, wish }: ContainerContext): ActorEvent[] {
  return awaiting.map((owner) => {
    if (owner === hostAddress) return { type: 'ports.granted', attempt, ports: wish?.ports ?? [], tookMs: 1 };
    if (owner === 'network/lan') return { type: 'lease.granted', attempt, lease: dhcpLeaseOf('lan', attempt) };
    if (owner.startsWith('network/'))
      return { type: 'lease.granted', attempt, lease: leaseOf({ network: owner.replace('network/', '') }) };
    return { type: 'netns.shared', attempt, share };
  });
}

const port = (hostPort: number): PublishedPort => ({
  protocol: 'tcp',
  hostIp: null,
  hostPort,
  containerPort: 80,
  range: 1,
});

const changes = (command: string): ActorEvent[] => [
  { type: 'container.connect', command, attachment: { network: 'back' } },
  { type: 'container.disconnect', command, network: 'back' },
  { type: 'container.publish', command, ports: [port(9090)] },
  { type: 'container.unpublish', command, ports: [port(9090)] },
  { type: 'container.reload', command },
];

const atRest = ({ value }: { value: unknown }) =>
  typeof value === 'object' && (value as { up: { wiring: string } }).up.wiring === 'settled';

/** Possible answers of the owner of a requested resource. */
function answersTo({ change, attempt }: ContainerContext): ActorEvent[] {
  if (change?.kind !== 'join' || change.unanswered === 0) return [];
  if (change.attachments.length === 0) return [{ type: 'ports.granted', attempt, ports: change.ports, tookMs: 1 }];
  return [{ type: 'lease.granted', attempt, lease: leaseOf({ network: 'back' }) }];
}

export const containerTerrain: Terrain<ContainerContext> = {
  machine: containerMachine,
  elsewhere: [
    'leasing',
    'addressing',
    'up.process.ending',
    'up.wiring.leasing',
    'up.wiring.unleased',
    'up.wiring.withdrawing',
    'up.wiring.looking',
  ],
  input: { id: 'web', netnsDirectory: '/netns', attempt: 0 },
  events: ({ snapshot, outstanding }) => {
    const { context } = snapshot;
    const command = 'c';
    const commands: ActorEvent[] = [
      { type: 'container.create', command, wish: wishes.bridge },
      ...Object.values(wishes).map((wish): ActorEvent => ({ type: 'container.setup', command, wish })),
      { type: 'container.setup', command, wish: null },
      ...(outstanding.length < 1
        ? [{ type: 'container.setup', command, wish: wishes.bridge, isNew: true } as const]
        : []),
      ...(outstanding.length < 2 ? [{ type: 'container.started', command, pid: 7 } as const] : []),
      { type: 'container.exited', command, pid: 7, exitCode: 3 },
      { type: 'container.abandon', command },
      { type: 'container.teardown', command },
      { type: 'container.teardown', command, force: true },
      { type: 'container.remove', command },
      ...changes(command),
    ];
    const claims: ActorEvent[] = [
      ...grantsFor(context),
      ...answersTo(context),
      { type: 'claim.refused', attempt: context.attempt, fault: refusal },
      { type: 'claim.refused', attempt: context.attempt - 1, fault: refusal },
      { type: 'lease.granted', attempt: context.attempt - 1, lease: leaseOf() },
    ];
    return [
      ...(context.deferred.length < 1 ? commands : []),
      ...claims,
      ...(context.sharers.length < 1 ? [{ type: 'netns.share', from: 'container/other', attempt: 1 } as const] : []),
      ...(atRest(snapshot) ? [{ type: 'drift.suspected' } as const] : []),
      { type: 'process.exited', pid: 7 },
      { type: 'process.exited', pid: 8 },
      ...(outstanding.length < 2 ? [recovered(false)] : []),
      recovered(true),
    ];
  },
  results: (purpose) =>
    purpose.kind === 'setup'
      ? [
          applied(purpose, [{ netns: { path: '/netns/netloom-web', inode: 1 } }, { deadlineAt: 5 }]),
          failed(purpose),
          failed(purpose, littered),
        ]
      : purpose.kind === 'watch'
        ? [applied(purpose, [{ startTicks: 1 }]), failed(purpose), failed(purpose, { code: 'process.gone' })]
        : purpose.kind === 'verify'
          ? [applied(purpose), failed(purpose), failed(purpose, { code: 'netns.gone' })]
          : purpose.kind === 'look'
            ? [
                ...[false, true].map((inhabited) => applied(purpose, [{ inhabited }, { deadlineAt: 9 }])),
                failed(purpose),
              ]
            : [applied(purpose), failed(purpose), failed(purpose, littered)],
  essence: (context) => [
    context.wish && [context.wish.netns.kind, context.wish.attachments.length, context.wish.removeOnExit],
    context.change,
    context.suspected,
    context.sharers.length,
    context.awaiting,
    Object.keys(context.leases),
    context.ports.length,
    context.share !== null,
    context.inode,
    context.process,
    context.deferred.map((event) => [event.type, 'wish' in event && event.wish?.netns.kind]),
    context.command,
    context.lastFault?.leftBehind?.length ?? 0,
  ],
};

/** P18: its process must start in time, and its engine reports the exit code. */
const waitedWishes = [
  wishOf({ mode: 'none', startWithinMs: 30_000 }),
  wishOf({ mode: 'none', startWithinMs: 30_000, removeOnExit: true }),
];

/** The deadline in effect, and one of an earlier set-up. */
const deadlines = ({ startBy }: ContainerContext): ActorEvent[] => [
  { type: 'deadline.passed', command: null, deadline: 'start', at: startBy ?? 0 },
  { type: 'deadline.passed', command: null, deadline: 'exit-code', at: 0 },
];

/** A container with a deadline; events in which networks and ports are involved are left out. */
export const waitedContainerTerrain: Terrain<ContainerContext> = {
  ...containerTerrain,
  elsewhere: [
    ...['claiming', 'leasing', 'addressing'],
    ...['asking', 'changing', 'leasing', 'unleased', 'withdrawing'].map((state) => `up.wiring.${state}`),
  ],
  events: ({ snapshot, outstanding }) => {
    const { context } = snapshot;
    const command = 'c';
    const commands: ActorEvent[] = [
      ...waitedWishes.map((wish): ActorEvent => ({ type: 'container.setup', command, wish })),
      ...(outstanding.length < 2 ? [{ type: 'container.started', command, pid: 7, reportsExit: true } as const] : []),
      { type: 'container.exited', command, pid: 7, exitCode: 3 },
      { type: 'container.abandon', command },
      { type: 'container.teardown', command },
      { type: 'container.teardown', command, force: true },
      { type: 'container.remove', command },
    ];
    return [
      ...(context.deferred.length < 1 ? [...commands, ...deadlines(context)] : []),
      { type: context.guests.length ? 'netns.left' : 'netns.entered', container: 'guest' },
      context.members.length
        ? { type: 'netns.release', container: 'guest' }
        : { type: 'netns.joined', container: 'guest', inode: 1 },
      ...(atRest(snapshot) ? [{ type: 'drift.suspected' } as const] : []),
      { type: 'process.exited', pid: 7 },
      ...(outstanding.length < 2 ? [recovered(false)] : []),
      recovered(true),
    ];
  },
  essence: (context) => [
    containerTerrain.essence(context),
    context.startBy,
    context.guests.length,
    context.members.length,
  ],
};

/** A container whose networks have DHCP servers; unrelated events are left out. */
export const leasedContainerTerrain: Terrain<ContainerContext> = {
  ...containerTerrain,
  elsewhere: ['up.process.running', 'up.process.ending', 'up.process.exited', 'up.wiring.looking'],
  events: ({ snapshot, outstanding }) => {
    const { context } = snapshot;
    const { attempt, change, deferred, leases } = context;
    const command = 'c';
    const commands: ActorEvent[] = [
      { type: 'container.create', command, wish: leasedWish },
      { type: 'container.setup', command, wish: leasedWish },
      { type: 'container.teardown', command },
      { type: 'container.remove', command },
      ...(leases.lan?.dhcp?.terms === null ? [] : changes(command).filter(({ type }) => /connect$/.test(type))),
    ];
    return [
      ...(deferred.length < 1 ? commands : []),
      ...grantsFor(context),
      ...(change?.kind === 'join' && change.unanswered > 0
        ? ([{ type: 'lease.granted', attempt, lease: dhcpLeaseOf('back', attempt) }] as const)
        : []),
      { type: 'claim.refused', attempt, fault: refusal },
      ...newsOf(context),
      ...(atRest(snapshot) ? [{ type: 'drift.suspected' } as const] : []),
      ...(outstanding.length < 1 ? [recovered(false)] : []),
      recovered(true),
    ];
  },
  essence: (context) => [
    context.wish !== null,
    context.change?.kind,
    context.change?.kind === 'join' && Object.keys(context.change.terms).length > 0,
    context.change?.kind === 'address' && context.change.terms !== null,
    context.suspected,
    context.awaiting,
    Object.entries(context.leases).map(([network, { dhcp }]) => [network, dhcp && dhcp.terms !== null]),
    context.wish?.attachments.length,
    context.inode,
    context.deferred.map(({ type }) => type),
    context.command,
    context.lastFault?.leftBehind?.length ?? 0,
  ],
};

/** A container of an engine that calls once per network. */
export const attachedWishes = [
  wishOf({ mode: 'ns:/run/netns/web', networks: [{ network: 'demo' }] }),
  wishOf({
    mode: 'ns:/run/netns/web',
    networks: [{ network: 'demo' }, { network: 'back' }],
    ports: [{ hostPort: 9090, containerPort: 80 }],
  }),
];

export const attachOf = (command: string, wish: ContainerWish, inode: number | null = 1): ActorEvent => ({
  type: 'container.attach',
  command,
  wish,
  asked: wish.attachments.map(({ network }) => ({ network })),
  inode,
});

/** Requests of an engine that calls once per network, and of networks that are removed. */
export const attachedContainerTerrain: Terrain<ContainerContext> = {
  ...containerTerrain,
  elsewhere: [
    ...['leasing', 'addressing'],
    ...['running', 'ending', 'exited'].map((state) => `up.process.${state}`),
    ...['leasing', 'unleased', 'withdrawing', 'looking'].map((state) => `up.wiring.${state}`),
  ],
  events: ({ snapshot, outstanding }) => {
    const { context } = snapshot;
    const { attempt, change, deferred } = context;
    const command = 'c';
    const commands: ActorEvent[] = [
      ...attachedWishes.map((wish) => attachOf(command, wish)),
      attachOf(command, attachedWishes[0] as ContainerWish, 2),
      { type: 'container.detach', command, networks: ['back'] },
      { type: 'container.detach', command, networks: ['demo', 'back'] },
      { type: 'network.leave', command: null, network: 'back' },
      { type: 'container.teardown', command },
      { type: 'container.remove', command },
    ];
    const answers: ActorEvent[] =
      change?.kind === 'join' && change.unanswered > 0
        ? [
            { type: 'lease.granted', attempt, lease: leaseOf({ network: 'back' }) },
            { type: 'ports.granted', attempt, ports: change.wished, tookMs: 1 },
          ]
        : [];
    return [
      ...(deferred.filter(({ type }: ActorEvent) => type !== 'container.forget').length < 1 ? commands : []),
      ...grantsFor(context),
      ...answers,
      { type: 'claim.refused', attempt, fault: refusal },
      ...(atRest(snapshot) ? [{ type: 'drift.suspected' } as const] : []),
      ...(outstanding.length < 1 ? [recovered(false)] : []),
      recovered(true),
    ];
  },
};

// ---------------------------------------------------------------------------------------------------------- network

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

// ------------------------------------------------------------------------------------------------------------- host

export const hostTerrain: Terrain<HostContext> = {
  machine: hostMachine,
  events: ({ snapshot: { value }, outstanding }) => {
    // the host is started before any other event
    if (value === 'absent') return [{ type: 'host.start' }];
    const asked: ActorEvent[] = ['a', 'b'].flatMap((name): ActorEvent[] => [
      { type: 'ports.claim', container: name, attempt: 1, ports: wishes.bridge.ports },
      { type: 'ports.release', container: name },
      { type: 'subnet.claim', network: name, bridge: null, sharesLink: false, subnets: [], automatic: [4] },
    ]);
    return [
      ...(outstanding.length < 2 ? [...asked, { type: 'host.start' } as const, recovered(false)] : []),
      ...(outstanding.length < 1 ? [{ type: 'drift.suspected' } as const] : []),
      ...(outstanding.length < 1
        ? [{ type: 'host.sweep', command: 'c', steps: [], found: { leftovers: [], doubtful: [] } } satisfies ActorEvent]
        : []),
      { type: 'uplink.changed', hostIp: null, link: null, mtuBytes: null },
      { type: 'resolver.lost' },
      { type: 'resolver.replaced' },
      { type: 'subnet.release', network: 'a' },
      recovered(true),
    ];
  },
  results: (purpose) => [
    ...(purpose.kind === 'mend' ? [applied(purpose, [], [{ verb: 'nft.load' }])] : []),
    applied(
      purpose,
      purpose.kind === 'survey'
        ? [{ survey: { connected: [], routes: [], linkNames: [], bridges: [] } }]
        : [{ port: 8080 }],
    ),
    failed(purpose, littered),
  ],
  essence: (context) => [
    Object.keys(context.ports).sort(),
    Object.entries(context.holding).sort(),
    Object.keys(context.networks).sort(),
    context.surveying.map(({ network }) => network),
    context.sweeping.map(({ command }) => command),
  ],
};

/** The same host with ports alone, whose containers are taken down while others claim their ports. */
export const leavingHostTerrain: Terrain<HostContext> = {
  ...hostTerrain,
  events: ({ snapshot: { value }, outstanding }) => {
    if (value === 'absent') return [{ type: 'host.start' }];
    const { ports } = wishes.bridge;
    return [
      ...(outstanding.length < 2
        ? [
            { type: 'ports.claim', container: 'a', attempt: 1, ports } as const,
            { type: 'ports.claim', container: 'b', attempt: 1, ports } as const,
            { type: 'host.start' } as const,
          ]
        : []),
      { type: 'ports.leaving', container: 'a' },
      { type: 'ports.release', container: 'a' },
      { type: 'ports.release', container: 'b' },
      { type: 'deadline.passed', command: null, deadline: 'leaving', at: 5, claimant: 'container/b' },
    ];
  },
  results: (plan) => [applied(plan, [{ port: 8080, deadlineAt: 5 }]), failed(plan, littered)],
  essence: ({ ports, holding, portsLeaving, portsWaiting }) => [
    Object.keys(ports).sort(),
    Object.keys(holding).sort(),
    portsLeaving,
    portsWaiting,
  ],
  elsewhere: ['degraded'],
};

// ------------------------------------------------------------------------------------------------------------- dhcp

export const place = {
  netns: '/netns/netloom-web',
  inode: 7,
  link: 'eth0',
  macAddress: '02:00:00:00:00:07',
  hostName: 'web',
};

export const dhcpTerrain: Terrain<DhcpContext> = {
  machine: dhcpMachine,
  input: { container: 'web', network: 'lan' },
  events: ({ outstanding }) => {
    // answers come after their questions
    if (outstanding.length > 1) return [recovered(true)];
    const answers: ActorEvent[] = [
      { type: 'dhcp.unacknowledged' },
      { type: 'dhcp.offered', terms: termsOf() },
      { type: 'dhcp.acknowledged', terms: termsOf() },
      { type: 'dhcp.acknowledged', terms: termsOf({ address: '192.0.2.8' }) },
      { type: 'dhcp.refused', server: '192.0.2.1', message: 'not here' },
      { type: 'dhcp.timeout', detail: null },
    ];
    return [
      { type: 'dhcp.start', attempt: 1, place },
      { type: 'dhcp.end' },
      { type: 'dhcp.neighbours', otherSubnets: ['10.89.0.3/24'] },
      ...answers,
      { type: 'dhcp.t1' },
      { type: 'dhcp.t2' },
      { type: 'dhcp.expired' },
      recovered(false),
      recovered(true),
    ];
  },
  results: (purpose) => [applied(purpose), failed(purpose)],
  essence: ({ offer, terms }) => [offer?.address, terms?.address],
};
