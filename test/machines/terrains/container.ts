import { type ContainerContext, containerMachine } from '../../../machines/container/chart.ts';
import { hostAddress } from '../../../src/core/actor-address.ts';
import type { ActorEvent, NetnsShare } from '../../../src/core/actor-event.ts';
import type { ContainerWish } from '../../../src/core/container/wish.ts';
import { fault } from '../../../src/core/fault.ts';
import { withTerms } from '../../../src/core/lease/lease.ts';
import type { PublishedPort } from '../../../src/core/port.ts';
import { leaseOf, termsOf, wishOf } from '../../core/samples.ts';
import { applied, failed, littered, recovered, refusal, type Terrain } from '../walk.ts';

/** The events of a container, with the fewest names and numbers that reach every state. */

const noServer = fault('dhcp.timeout', 'no DHCP server gave an address');

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
      { type: 'container.abandon', command, from: null },
      { type: 'container.teardown', command },
      { type: 'container.teardown', command, force: true },
      { type: 'container.remove', command, from: null },
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
      { type: 'container.abandon', command, from: null },
      { type: 'container.teardown', command },
      { type: 'container.teardown', command, force: true },
      { type: 'container.remove', command, from: null },
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
      { type: 'container.remove', command, from: null },
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
      { type: 'container.remove', command, from: null },
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
