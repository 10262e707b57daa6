import { containerAddress, hostAddress, networkAddress } from '../../src/core/actor-address.ts';
import type { CommandId } from '../../src/core/actor-event.ts';
import { entryOf } from '../../src/core/entry.ts';
import { type Fault, type FaultCode, withDetail } from '../../src/core/fault.ts';
import type { GcResult } from '../../src/core/gc.ts';
import type { Decision } from '../decisions.ts';
import type { Effect } from '../effect.ts';
import type { GroupCommand, HostContext } from './context.ts';
import { type EventOf, resolve } from './decisions.ts';

/** Commands to a group of actors: each decides whether it goes, and the command is answered when all have answered. */

type Ask = (name: string) => Effect<'host'>;
type Reply = (group: GroupCommand) => Effect<'host'>;

const askNetwork: Ask = (network) => ({
  kind: 'tell',
  to: networkAddress(network),
  event: { type: 'network.prune', command: null },
});

const askContainer: Ask = (container) => ({
  kind: 'tell',
  to: containerAddress(container),
  event: { type: 'container.abandon', command: null, from: hostAddress },
});

const replyPruned: Reply = ({ command, asked, removed: inAnyOrder, faults }) => {
  const removed = asked.filter((network) => inAnyOrder.includes(network));
  const [why] = asked.flatMap((network) => entryOf(faults, network) ?? []);
  if (!why) return { kind: 'reply', command, output: { removed } };
  const fault = removed.length > 0 ? withDetail(why, `networks that were removed: ${removed.join(', ')}`) : why;
  return { kind: 'reply', command, fault };
};

/** Faults of a container that was started, taken down, or removed since the search. */
const meanwhile: ReadonlySet<FaultCode> = new Set(['container.running', 'container.state', 'container.unknown']);

const nothingSwept: GcResult = { leftovers: [], doubtful: [], dryRun: false, failed: [], unstarted: [] };

const replyCollected: Reply = ({ command, asked, removed, faults, gc = nothingSwept }) => {
  const failed = asked.flatMap((id) => {
    const fault = entryOf(faults, id);
    if (!fault || meanwhile.has(fault.code)) return [];
    return [{ step: `container ${id}`, errno: null, detail: fault.message }];
  });
  const unstarted = gc.unstarted.filter(({ id }) => removed.includes(id));
  const output: GcResult = { ...gc, unstarted, failed: [...failed, ...gc.failed] };
  return { kind: 'reply', command, output };
};

/** Asks every network that the host knows, or those of these names; not those that an earlier command has asked already. */
function prune(
  context: HostContext,
  { command, names, except }: EventOf<'networks.prune'>,
): Decision<HostContext, 'host'> {
  const { pruning, networks } = context;
  const isAsked = (network: string) => pruning.some(({ open }) => open.includes(network));
  const asked = Object.keys(networks)
    .filter((network) => network !== except && (names?.includes(network) ?? true) && !isAsked(network))
    .sort();
  const { pending, effects } = begin(pruning, { command, asked }, askNetwork, replyPruned);
  return { context: { pruning: pending }, effects };
}

/** Asks the containers of a gc to go, after its sweep. gc: the reply if all go. */
export function abandon(
  { abandoning }: HostContext,
  command: CommandId,
  gc: GcResult,
): { context: Pick<HostContext, 'abandoning'>; effects: Effect<'host'>[] } {
  const asked = gc.unstarted.map(({ id }) => id);
  const { pending, effects } = begin(abandoning, { command, asked, gc }, askContainer, replyCollected);
  return { context: { abandoning: pending }, effects };
}

interface Handled {
  pending: GroupCommand[];
  effects: Effect<'host'>[];
}

function begin(
  pending: readonly GroupCommand[],
  asking: Pick<GroupCommand, 'command' | 'asked' | 'gc'>,
  ask: Ask,
  reply: Reply,
): Handled {
  const group = { ...asking, open: asking.asked, removed: [], faults: {} };
  if (asking.asked.length === 0) return { pending: [...pending], effects: [reply(group)] };
  return { pending: [...pending, group], effects: asking.asked.map(ask) };
}

interface Answer {
  name: string;
  isRemoved: boolean;
  fault: Fault | null;
}

/** Takes an answer for the first command that waits for the actor: actors answer in the order of requests. */
function take(pending: readonly GroupCommand[], { name, isRemoved, fault }: Answer, reply: Reply): Handled {
  const index = pending.findIndex(({ open }) => open.includes(name));
  const known = pending[index];
  if (!known) return { pending: [...pending], effects: [] };
  const group: GroupCommand = {
    ...known,
    open: known.open.filter((other) => other !== name),
    removed: isRemoved ? [...known.removed, name] : known.removed,
    faults: fault ? { ...known.faults, [name]: fault } : known.faults,
  };
  if (group.open.length > 0) return { pending: pending.with(index, group), effects: [] };
  return { pending: pending.toSpliced(index, 1), effects: [reply(group)] };
}

export const groupCommandActions = {
  pruneNetworks: resolve('networks.prune', prune),
  takePruned: resolve('network.pruned', ({ pruning }, { network: name, isRemoved, fault = null }) => {
    const { pending, effects } = take(pruning, { name, isRemoved, fault }, replyPruned);
    return { context: { pruning: pending }, effects };
  }),
  takeAbandoned: resolve('container.abandoned', ({ abandoning }, { container: name, fault }) => {
    const { pending, effects } = take(abandoning, { name, isRemoved: fault === null, fault }, replyCollected);
    return { context: { abandoning: pending }, effects };
  }),
};
