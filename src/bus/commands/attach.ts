import { existsSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerChanged, ContainerStatus } from '../../contract/container-replies.ts';
import type { CheckedRequest } from '../../contract/verbs.ts';
import type { AskedAttachment } from '../../core/container/attachments.ts';
import { type ContainerWish, containerWish } from '../../core/container/wish.ts';
import { NetloomError } from '../../core/fault.ts';
import { type Clash, firstClash } from '../../core/network/check.ts';
import type { NetworkDefinition } from '../../core/network/definition.ts';
import type { PublishedPort } from '../../core/port.ts';
import { uncoveredPorts } from '../../core/served-ports.ts';
import type { ContainerState, ContainerView, NetworkView } from '../../core/view.ts';
import type { CommandIdentity, Engine } from './engine.ts';
import { isLeft, knownContainer, leavingMs, onceLeft } from './leaving.ts';
import { unlessGone } from './network-removal.ts';
import { part, tellContainer } from './tell.ts';
import { checked, namedWish } from './wishes.ts';

/**
 * For engines that tell of a container's networks in parts, as podman and CNI do: one word for joining and one for leaving,
 * whatever is there already. What they say is carried out by the same commands that everybody has.
 */

type AttachRequest = CheckedRequest<'container.attach'>;

/** A container that is up, in the view of who asked. */
type Present = ContainerView & { netns: NonNullable<ContainerView['netns']> };

export function attach(engine: Engine, request: AttachRequest, command: CommandIdentity): Promise<ContainerStatus> {
  return engine.once(command, () => attachOnce(engine, request, command));
}

async function attachOnce(engine: Engine, request: AttachRequest, command: CommandIdentity): Promise<ContainerStatus> {
  const wish = namedWish(engine, checked(containerWish(request, engine.defaultNetwork)));
  await onceOthersLeft(engine, wish);
  const known = knownContainer(engine, wish.id);
  if (isUp(known) && !isElsewhere(known, wish)) return join(engine, known, request, wish, command);
  // its engine has given it another namespace and did not tell of the end of the former one
  if (isUp(known)) await tellContainer(engine, wish.id, ...teardown(part(command, 'former')));
  try {
    return await onceLeft(engine, wish, part(command, 'setup'), (own) =>
      tellContainer(engine, wish.id, own, { type: 'container.setup', command: own.id, wish, overrides: null }),
    );
  } catch (error) {
    if (!known) await forgetUnmade(engine, wish.id, part(command, 'unmade'));
    throw error;
  }
}

/**
 * Networks that only their engine knows may not be able to be beside one that is about to go, as its engine knows: that is waited for.
 * Whether they can be beside the others is the host's to say.
 */
async function onceOthersLeft(engine: Engine, { attachments }: ContainerWish): Promise<void> {
  const brought = attachments
    .flatMap(({ definition }) => definition ?? [])
    .filter(({ name }) => !isKnown(engine, name));
  const deadline = Date.now() + leavingMs;
  for (const definition of brought)
    for (let found = clashOf(engine, definition); found; found = clashOf(engine, definition)) {
      if (!(await isLeft(engine, found.network)) || Date.now() > deadline) return;
      await delay(1);
    }
}

/** With one that is used, or about to go: its engine may have removed it just before. */
function clashOf(engine: Engine, definition: NetworkDefinition): Clash | null {
  const { networks: directory } = engine.info().directories;
  const isThere = ({ name, leases, state }: NetworkView) =>
    Object.keys(leases).length > 0 || state === 'lowering' || !existsSync(`${directory}/${name}.json`);
  return firstClash(definition, engine.networks().networks.filter(isThere));
}

function isKnown(engine: Engine, name: string): boolean {
  try {
    return engine.networkNamed(name) === name;
  } catch (error) {
    if (error instanceof NetloomError) return false;
    throw error;
  }
}

/**
 * C02: its engine has no container of that name, and will not tell of its end. One of which something is left in the kernel
 * stays to be seen. The first error is the one to report.
 */
async function forgetUnmade(engine: Engine, id: string, own: CommandIdentity): Promise<void> {
  const made = knownContainer(engine, id);
  // what was made of it may be being unmade
  if (!made || isUp(made) || made.lastFault?.leftBehind?.length) return;
  await tellContainer(engine, id, own, { type: 'container.remove', command: own.id }).catch(() => {});
}

export async function detach(
  engine: Engine,
  { id, networks, netns }: CheckedRequest<'container.detach'>,
  command: CommandIdentity,
): Promise<{ id: string }> {
  const known = knownContainer(engine, id);
  if (!known || (netns && known.netns && known.netns.path !== netns)) return { id };
  const leaving = known.attachments.filter(({ network }) => networks.includes(network));
  if (leaving.length === known.attachments.length) return forget(engine, id, command);
  for (const { network } of leaving) {
    const own = part(command, `leave ${network}`);
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
  tellContainer(engine, id, own, { type: 'container.remove', command: own.id, force: true }).catch(() => {});
  // a set-up of it that was refused has been forgotten meanwhile
  await tornDown.catch(unlessGone);
  return { id };
}

/** Named and static as in the wish; an interface that was not named gets its name beside those that are there. */
function missingIn(known: Present, { networks }: AttachRequest, { attachments }: ContainerWish): AskedAttachment[] {
  const asked = attachments.map(({ network, staticIps, staticMac, isDefault }, index) => ({
    ...networks?.[index],
    network,
    staticIps,
    staticMac,
    ...(isDefault && { isDefault }),
  }));
  return asked.filter(({ network }) => !known.attachments.some((attachment) => attachment.network === network));
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
  const joined: string[] = [];
  try {
    for (const attachment of missingIn(known, request, wish)) {
      answer = { ...(await connect(engine, id, attachment, command)), netns };
      joined.push(attachment.network);
    }
    const unpublished = wish.ports.filter((port) => uncoveredPorts([port], ports).length > 0);
    if (unpublished.length === 0) return answer;
    return { ...(await publish(engine, id, unpublished, command)), netns };
  } catch (error) {
    await leaveAgain(engine, id, joined, command);
    throw error;
  }
}

function connect(
  engine: Engine,
  id: string,
  attachment: AskedAttachment,
  command: CommandIdentity,
): Promise<ContainerChanged> {
  const { network, staticIps, hostInterfaceName } = attachment;
  const own = { network, staticIps: staticIps ?? [], ...(hostInterfaceName && { hostInterfaceName }) };
  const wanted = { attachments: [own] };
  return onceLeft(engine, wanted, part(command, `join ${network}`), (identity) =>
    tellContainer(engine, id, identity, { type: 'container.connect', command: identity.id, attachment }),
  );
}

function publish(
  engine: Engine,
  id: string,
  ports: PublishedPort[],
  command: CommandIdentity,
): Promise<ContainerChanged> {
  const own = part(command, 'ports');
  return tellContainer(engine, id, own, { type: 'container.publish', command: own.id, ports });
}

/** C02: what failed half-way has not begun. The first error is the one to report. */
async function leaveAgain(engine: Engine, id: string, joined: string[], command: CommandIdentity): Promise<void> {
  for (const network of joined.reverse()) {
    const own = part(command, `not ${network}`);
    const event = { type: 'container.disconnect', command: own.id, network } as const;
    // what is wrong with it then is told as a fact
    await tellContainer(engine, id, own, event).catch(() => {});
  }
}

const upStates: readonly ContainerState[] = ['configured', 'running', 'exited', 'degraded'];

const isUp = (known: ContainerView | null): known is Present => known !== null && upStates.includes(known.state);

/** Also when it is another namespace under the former one's name: names that an engine gives may come again. */
function isElsewhere({ netns }: Present, { netns: wished }: ContainerWish): boolean {
  if (wished.kind !== 'path') return false;
  return wished.path !== netns.path || (netns.inode !== null && isAnother(netns.path, netns.inode));
}

/** Where nothing is, nothing else is. */
function isAnother(path: string, inode: number): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  return there !== undefined && there.ino !== inode;
}

/** P11: its engine ends it, whatever runs in it. */
const teardown = (own: CommandIdentity) => [own, { type: 'container.teardown', command: own.id, force: true }] as const;
