import { z } from 'zod';
import {
  type ActorAddress,
  actorKind,
  actorName,
  containerAddress,
  dhcpClientOf,
  hostAddress,
  isOfKind,
  networkAddress,
} from '../../../core/actor-address.ts';
import { fault } from '../../../core/fault.ts';
import type { Content, SentMessage, StoredActor } from './content.ts';

const containerContext = z.looseObject({
  leases: z.record(z.string(), z.unknown()),
  ports: z.array(z.unknown()),
  wish: z.looseObject({ attachments: z.array(z.looseObject({ network: z.string() })) }).nullable(),
  share: z.looseObject({}).nullable(),
  inode: z.number().nullable(),
});
const whileUp = z.object({ up: z.object({ process: z.string(), wiring: z.string() }) });

const networkContext = z.looseObject({
  device: z.looseObject({}).nullable(),
  leases: z.record(z.string(), z.unknown()),
  definition: z.looseObject({}).nullable(),
});
const hostContext = z.looseObject({
  ports: z.record(z.string(), z.unknown()),
  networks: z.record(z.string(), z.unknown()),
});

/** The daemon was replaced by a later version while a command was under way. */
export const interrupted = fault(
  'upgrade.interrupted',
  'netloom was upgraded while this was under way: check what is there, and send the command again',
);

const undecided = { command: null, deferred: [], change: null, suspected: null, sharers: [], awaiting: [] };
/** What a network, and the host, do for callers and members. */
const idle = {
  command: null,
  waiting: [],
  update: null,
  news: null,
  held: [],
  leaving: [],
  removal: null,
  waitsUntil: null,
};
const unasked = {
  holding: {},
  surveying: [],
  sweeping: [],
  pruning: [],
  abandoning: [],
  portsLeaving: [],
  portsWaiting: [],
  deferred: [],
};

/**
 * Brings every actor of a journal before version 12 into a state in which nothing is under way: its plans and messages are in words that
 * this version does not speak. A set-up or a teardown that was under way has failed, and the container knows that something of it
 * is left: the next command removes that first. A container or a network that was being changed stays as it was, and is verified.
 * Messages to the owners release what they had granted to containers that no longer have it.
 */
export function settle({ actors, messages }: Content): Content {
  const settled = new Map<ActorAddress, StoredActor>();
  for (const [address, actor] of actors) {
    const after = settledActor(address, actor);
    if (after) settled.set(address, after);
  }
  for (const address of [...settled.keys()]) if (isForlornClient(address, settled)) settled.delete(address);
  return { actors: settled, messages: [...messages, ...releases(actors, settled)] };
}

/** Returns null for an actor that ends. */
function settledActor(address: ActorAddress, actor: StoredActor): StoredActor | null {
  switch (actorKind(address)) {
    case 'container':
      return settledContainer(actor);
    case 'network':
      return settledNetwork(actor);
    case 'host':
      return { ...actor, context: { ...actor.context, ...unasked } };
    case 'dhcp':
      return actor;
  }
}

function settledContainer({ value, context }: StoredActor): StoredActor | null {
  const known = { ...containerContext.parse(context), ...undecided };
  const up = whileUp.safeParse(value);
  if (up.success) {
    const { process, wiring } = up.data.up;
    const keeps = wiring === 'degraded' || wiring === 'unleased';
    const leases = withoutJoined(known);
    return { value: { up: { process, wiring: keeps ? wiring : 'settled' } }, context: { ...known, leases } };
  }
  if (value === 'created' || value === 'failed') return { value, context: known };
  if (value === 'absent') return null;
  if (value === 'claiming')
    return { value: 'failed', context: { ...known, leases: {}, ports: [], share: null, lastFault: interrupted } };
  return { value: 'failed', context: { ...known, lastFault: { ...interrupted, leftBehind } } };
}

/** Leaves out the leases of networks that the container was joining. */
function withoutJoined({ wish, leases }: z.infer<typeof containerContext>): Record<string, unknown> {
  const own = new Set((wish?.attachments ?? []).map(({ network }) => network));
  return Object.fromEntries(Object.entries(leases).filter(([network]) => own.has(network)));
}

const leftBehind = [{ step: 'the set-up or teardown that was under way', errno: null, detail: null }];

function settledNetwork({ value, context }: StoredActor): StoredActor | null {
  const known = { ...networkContext.parse(context), ...idle };
  if (value === 'defined' || value === 'up' || value === 'degraded') return { value, context: known };
  // nothing of it is in the kernel; its file, if it was written, is found as any other program's
  if (known.definition === null || value === 'claiming' || value === 'defining') return null;
  const isUp = known.device !== null || Object.keys(known.leases).length > 0;
  return { value: isUp ? 'up' : value === 'raising' ? 'degraded' : 'defined', context: known };
}

/** Checks whether it is the DHCP client of a container that has no lease of that network. */
function isForlornClient(address: ActorAddress, actors: ReadonlyMap<ActorAddress, StoredActor>): boolean {
  if (!isOfKind(address, 'dhcp')) return false;
  const { container, network } = dhcpClientOf(address);
  const owner = actors.get(containerAddress(container));
  return !owner || !Object.hasOwn(containerContext.parse(owner.context).leases, network);
}

/** Lists messages that release what an owner has granted to an actor that has it no longer. */
function releases(before: Content['actors'], after: Content['actors']): SentMessage[] {
  const grantedTo = (container: string) => {
    const actor = after.get(containerAddress(container));
    return actor ? containerContext.parse(actor.context) : { leases: {}, ports: [] };
  };
  const leases = [...after].flatMap(([address, { context }]): SentMessage[] => {
    if (!isOfKind(address, 'network')) return [];
    const members = Object.keys(networkContext.parse(context).leases);
    const gone = members.filter((container) => !Object.hasOwn(grantedTo(container).leases, actorName(address)));
    return gone.map((container) => ({ to: address, event: { type: 'lease.release', container } }));
  });
  const host = after.get(hostAddress);
  if (!host) return leases;
  const { ports, networks } = hostContext.parse(host.context);
  const portless = Object.keys(ports).filter((container) => grantedTo(container).ports.length === 0);
  const isForgotten = (name: string) => before.has(networkAddress(name)) && !after.has(networkAddress(name));
  return [
    ...leases,
    ...portless.map((container): SentMessage => ({ to: hostAddress, event: { type: 'ports.release', container } })),
    ...Object.keys(networks)
      .filter(isForgotten)
      .map((network): SentMessage => ({ to: hostAddress, event: { type: 'subnet.release', network } })),
  ];
}
