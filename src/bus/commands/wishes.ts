import type { CheckedRequest } from '../../contract/commands.ts';
import { canonicalAddress } from '../../core/address.ts';
import { type AskedAttachment, askedAttachment, attachmentsOf } from '../../core/container/attachments.ts';
import type { AttachmentRequest } from '../../core/container/request.ts';
import { type ContainerWish, containerWish } from '../../core/container/wish.ts';
import { type Fault, type FaultCode, fault, NetloomError } from '../../core/fault.ts';
import { servedNamePattern } from '../../core/name-rules.ts';
import type { Engine } from './engine-interface.ts';

/** Turns requests into wishes for the actors: checked, and with names in place of IDs. */

export type SetupRequest = CheckedRequest<'container.setup'>;

/** Makes the wish of a set-up. null: the request has only the ID and options of the set-up, so the wish of container.create applies. */
export function setupWish(engine: Engine, request: SetupRequest): ContainerWish | null {
  const { id: _, networkOverrides: __, owner: ___, startWithinMs: ____, isNew: _____, ...rest } = request;
  const named = Object.values(rest).some((value) => value !== undefined && value !== null);
  return named ? namedWish(engine, checked(containerWish(request, engine.defaultNetwork))) : null;
}

/**
 * A07: resolves networks given by ID, and by name the container whose namespace is shared. A container that is still
 * unknown must be given by its future ID: it may be made before the set-up.
 */
export function namedWish(engine: Engine, wish: ContainerWish): ContainerWish {
  const attachments = wish.attachments.map((one) => ({ ...one, network: nameOf(engine, one) }));
  const twice = attachments.find(({ network }, index) =>
    attachments.slice(0, index).some((other) => other.network === network),
  );
  if (twice) throw new NetloomError(fault('payload.invalid', `network ${twice.network} is named twice`));
  return { ...wish, ...ownerOfNetns(engine, wish), attachments };
}

/** B04: a name that is not a valid ID cannot be a future container's. */
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

/** A definition in the request means its own name, whatever IDs begin like that. */
const nameOf = (engine: Engine, { network, definition }: { network: string; definition?: object | null }): string =>
  definition ? network : nameOrItself(engine, network);

/** P10: the default network is made for the first container that joins it. Throws network.unknown, network.ambiguous. */
export const joinedNetwork = (engine: Engine, reference: string): string =>
  reference === engine.defaultNetwork ? nameOrItself(engine, reference) : engine.networkNamed(reference);

/** An unknown network keeps its name. */
export const nameOrItself = (engine: Engine, reference: string): string =>
  unlessUnknown(reference, () => engine.networkNamed(reference));

export interface ContainerReference {
  id: string;
  exact?: boolean | null | undefined;
}

/** Throws container.unknown, container.ambiguous. */
export const idOf = (engine: Engine, { id, exact }: ContainerReference): string =>
  exact ? id : engine.containerNamed(id);

/** An unknown container keeps its reference: an earlier command with it may have a kept reply. */
export const idOrItself = (engine: Engine, reference: ContainerReference): string =>
  unlessUnknown(reference.id, () => idOf(engine, reference));

const unknownCodes: ReadonlySet<FaultCode> = new Set(['container.unknown', 'network.unknown']);

function unlessUnknown(reference: string, resolve: () => string): string {
  try {
    return resolve();
  } catch (error) {
    if (error instanceof NetloomError && unknownCodes.has(error.code)) return reference;
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
