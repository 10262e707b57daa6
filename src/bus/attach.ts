import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { type ContainerWish, containerWish } from '../core/container.ts';
import { NetloomError } from '../core/fault.ts';
import { isSamePort } from '../core/port.ts';
import { type ContainerState, type ContainerView, leavingStates } from '../core/view.ts';
import type { Engine } from './engine.ts';
import type { attachSchema, detachSchema } from './messages.ts';
import { knownNetwork, unlessGone } from './network-removal.ts';
import type { ContainerStatus } from './replies.ts';
import { type CommandIdentity, tellContainer } from './tell.ts';
import { checked, namedWish } from './wishes.ts';

/**
 * For engines that tell of a container's networks in parts, as podman and CNI do: one word for joining and one for leaving,
 * whatever is there already. What they say is carried out by the same commands that everybody has.
 */

type AttachRequest = z.output<typeof attachSchema>;

/** A container that is up, in the view of who asked. */
type Present = ContainerView & { netns: NonNullable<ContainerView['netns']> };

export function attach(engine: Engine, request: AttachRequest, command: CommandIdentity): Promise<ContainerStatus> {
  return engine.once(command, () => attachOnce(engine, request, command));
}

async function attachOnce(engine: Engine, request: AttachRequest, command: CommandIdentity): Promise<ContainerStatus> {
  const wish = namedWish(engine, checked(containerWish(request)));
  const known = knownContainer(engine, wish.id);
  if (isUp(known) && !isElsewhere(known, wish)) return join(engine, known, request, wish, command);
  // its engine has given it another namespace and did not tell of the end of the former one
  if (isUp(known)) await tellContainer(engine, wish.id, ...teardown(part(command, 'former')));
  try {
    return await setUp(engine, wish, command);
  } catch (error) {
    if (!(await wasInTheWay(engine, wish, error))) throw error;
    return setUp(engine, wish, part(command, 'again'));
  }
}

const setUp = (engine: Engine, wish: ContainerWish, own: CommandIdentity): Promise<ContainerStatus> =>
  tellContainer(engine, wish.id, own, { type: 'container.setup', command: own.id, wish, overrides: null });

/** How long the kernel may take with the links of containers that are going. */
const leavingMs = 2_000;

/**
 * Whether a network was in use with another definition only by containers that were answered to be gone already: an engine
 * may make a network anew as soon as its last container is. They are gone then.
 */
async function wasInTheWay(engine: Engine, wish: ContainerWish, error: unknown): Promise<boolean> {
  if (!(error instanceof NetloomError) || error.code !== 'network.exists') return false;
  const members = wish.attachments.flatMap(({ network }) => Object.keys(knownNetwork(engine, network)?.leases ?? {}));
  const isLeaving = (id: string) => leavingStates.includes(knownContainer(engine, id)?.state ?? 'unlinking');
  if (!members.every((id) => id === wish.id || isLeaving(id))) return false;
  const deadline = Date.now() + leavingMs;
  while (members.some((id) => isHeldBy(engine, wish, id)) && Date.now() < deadline) await delay(1);
  return true;
}

const isHeldBy = (engine: Engine, { attachments }: ContainerWish, id: string): boolean =>
  attachments.some(({ network }) => Object.hasOwn(knownNetwork(engine, network)?.leases ?? {}, id));

export async function detach(
  engine: Engine,
  { id, networks, netns }: z.output<typeof detachSchema>,
  command: CommandIdentity,
): Promise<{ id: string }> {
  const known = knownContainer(engine, id);
  if (!known || (netns && known.netns && known.netns.path !== netns)) return { id };
  const leaving = known.attachments.filter(({ network }) => networks.includes(network));
  if (leaving.length === known.attachments.length) return forget(engine, id, command);
  for (const { network } of leaving) {
    const own = part(command, network);
    const event = { type: 'container.disconnect', command: own.id, network } as const;
    await tellContainer(engine, id, own, event).catch(unlessGone);
  }
  return { id };
}

/** Answered when nothing of it works any more; that it is forgotten follows, and is told as an event. */
async function forget(engine: Engine, id: string, command: CommandIdentity): Promise<{ id: string }> {
  const tornDown = tellContainer(engine, id, ...teardown(part(command, 'teardown')));
  const own = part(command, 'remove');
  // what is wrong with it is the teardown's to say
  tellContainer(engine, id, own, { type: 'container.remove', command: own.id }).catch(() => {});
  await tornDown;
  return { id };
}

async function join(
  engine: Engine,
  known: Present,
  request: AttachRequest,
  wish: ContainerWish,
  command: CommandIdentity,
): Promise<ContainerStatus> {
  const { id, netns, status, ports } = known;
  let answer: ContainerStatus = { id, netns, status, ports, kernelMs: 0 };
  const missing = wish.attachments.filter(
    ({ network }) => !known.attachments.some((attachment) => attachment.network === network),
  );
  for (const { network } of missing) {
    const own = part(command, network);
    const asked = request.networks?.find((one) => one.network === network);
    const event = { type: 'container.connect', command: own.id, attachment: { ...asked, network } } as const;
    answer = await tellContainer(engine, id, own, event);
  }
  const unpublished = wish.ports.filter((port) => !ports.some((other) => isSamePort(other, port)));
  if (unpublished.length === 0) return answer;
  const own = part(command, 'ports');
  return tellContainer(engine, id, own, { type: 'container.publish', command: own.id, ports: unpublished });
}

const upStates: readonly ContainerState[] = ['configured', 'running', 'exited', 'degraded'];

const isUp = (known: ContainerView | null): known is Present => known !== null && upStates.includes(known.state);

const isElsewhere = ({ netns }: Present, wish: ContainerWish): boolean =>
  wish.netns.kind === 'path' && wish.netns.path !== netns.path;

const teardown = (own: CommandIdentity) => [own, { type: 'container.teardown', command: own.id }] as const;

/** What is several commands to the container's actor: each has an id of its own, the same when all of it comes again. */
const part = ({ id, kept }: CommandIdentity, which: string): CommandIdentity => ({ id: `${id} ${which}`, kept });

function knownContainer(engine: Engine, id: string): ContainerView | null {
  try {
    return engine.container(id).container;
  } catch (error) {
    if (error instanceof NetloomError && error.code === 'container.unknown') return null;
    throw error;
  }
}
