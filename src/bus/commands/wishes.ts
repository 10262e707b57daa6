import type { CheckedRequest } from '../../contract/verbs.ts';
import { canonicalAddress } from '../../core/address.ts';
import { type AskedAttachment, askedAttachment, attachmentsOf } from '../../core/container/attachments.ts';
import type { AttachmentRequest } from '../../core/container/request.ts';
import { type ContainerWish, containerWish } from '../../core/container/wish.ts';
import { type Fault, fault, NetloomError } from '../../core/fault.ts';
import { servedNamePattern } from '../../core/name.ts';
import type { Engine } from './engine.ts';

/** Requests made into what the actors are told: checked, and with names where ids were given. */

export type SetupRequest = CheckedRequest<'container.setup'>;

/** Nothing but the id, and what a set-up may say of itself: the wish that container.create kept. */
export function setupWish(engine: Engine, request: SetupRequest): ContainerWish | null {
  const { id: _, networkOverrides: __, owner: ___, startWithinMs: ____, isNew: _____, ...rest } = request;
  const named = Object.values(rest).some((value) => value !== undefined && value !== null);
  return named ? namedWish(engine, checked(containerWish(request, engine.defaultNetwork))) : null;
}

/**
 * A07: networks may be named by their ids, and the container whose namespace is shared by its name. Whoever is not known
 * yet must be called by the id that it will have: it may be made before the set-up.
 */
export function namedWish(engine: Engine, wish: ContainerWish): ContainerWish {
  const attachments = wish.attachments.map((one) => ({ ...one, network: nameOf(engine, one) }));
  const twice = attachments.find(({ network }, index) =>
    attachments.slice(0, index).some((other) => other.network === network),
  );
  if (twice) throw new NetloomError(fault('payload.invalid', `network ${twice.network} is named twice`));
  return { ...wish, ...ownerOfNetns(engine, wish), attachments };
}

/** B04: a name that can be no id is nobody's who is still to come. */
function ownerOfNetns(engine: Engine, wish: ContainerWish): Pick<ContainerWish, 'mode' | 'netns'> | null {
  if (wish.netns.kind !== 'container') return null;
  const id = idOrItself(engine, wish.netns);
  if (!servedNamePattern.test(id))
    throw new NetloomError(
      fault('id.invalid', `mode container:${id}: no container has that name, and it is not a valid id`),
    );
  if (id === wish.id) throw new NetloomError(fault('netns.cycle', `container ${id} cannot share its own namespace`));
  return { mode: `container:${id}`, netns: { kind: 'container', id } };
}

export function namedAttachments(
  engine: Engine,
  id: string,
  requests: readonly AttachmentRequest[],
): AskedAttachment[] {
  const named = requests.map((request) =>
    askedAttachment({ ...request, network: nameOf(engine, request) }, engine.defaultNetwork),
  );
  checked(attachmentsOf(id, named));
  return named;
}

/** Who brings the definition means that one, whatever ids begin like its name. */
const nameOf = (engine: Engine, { network, definition }: { network: string; definition?: object | null }): string =>
  definition ? network : nameOrItself(engine, network);

/** P10: the default network is made for the first container that joins it. Throws network.unknown, network.ambiguous. */
export const joinedNetwork = (engine: Engine, reference: string): string =>
  reference === engine.defaultNetwork ? nameOrItself(engine, reference) : engine.networkNamed(reference);

/** A network that is not known keeps its name. */
export const nameOrItself = (engine: Engine, reference: string): string =>
  unlessUnknown(reference, () => engine.networkNamed(reference));

export interface ContainerReference {
  id: string;
  exact?: boolean | null | undefined;
}

/** Throws container.unknown, container.ambiguous. */
export const idOf = (engine: Engine, { id, exact }: ContainerReference): string =>
  exact ? id : engine.containerNamed(id);

/** One that is not known keeps what it was called: what it was told before may have an answer that is kept. */
export const idOrItself = (engine: Engine, reference: ContainerReference): string =>
  unlessUnknown(reference.id, () => idOf(engine, reference));

function unlessUnknown(reference: string, resolve: () => string): string {
  try {
    return resolve();
  } catch (error) {
    if (error instanceof NetloomError && error.code.endsWith('.unknown')) return reference;
    throw error;
  }
}

export function checkedAddresses(texts: readonly string[]): string[] {
  return texts.map((text) => {
    const address = canonicalAddress(text);
    if (address === null) throw new NetloomError(fault('address.invalid', `${text} is not an IP address`));
    return address;
  });
}

export function checked<Wish extends object>(wish: Wish | Fault): Wish {
  if ('code' in wish) throw new NetloomError(wish as Fault);
  return wish as Wish;
}
