import { type Fault, fault } from '../fault.ts';

/** An ID that a program generated, podman's for example: users type only its beginning. */
const madeUp = /^[0-9a-f]{12,64}$/;

/** A beginning must have at least six digits: shorter ones are names of past or future containers, such as `db` or `cafe`. */
const beginning = /^[0-9a-f]{6,64}$/;

/**
 * Resolves a user's reference to a container, in podman's order: by its ID, by its name, by the beginning of its ID if only one
 * ID begins so. IDs that are words must be complete: a second `remove web` does not mean `web2`.
 */
export function resolveContainerId(
  containers: readonly { id: string; name: string }[],
  reference: string,
): string | Fault {
  if (containers.some(({ id }) => id === reference)) return reference;
  const named = containers.filter(({ name }) => name === reference);
  const begun = beginning.test(reference)
    ? containers.filter(({ id }) => madeUp.test(id) && id.startsWith(reference))
    : [];
  const candidates = named.length > 0 ? named : begun;
  const [only, ...others] = candidates;
  if (!only) return fault('container.unknown', `no container ${reference}`);
  if (others.length === 0) return only.id;
  const listed = candidates.map(({ id, name }) => (name === id ? shortId(id) : `${name} (${shortId(id)})`)).join(', ');
  return fault('container.ambiguous', `${reference} may be any of the containers ${listed}`);
}

/** Returns podman's IDs of 64 digits as podman shows them, with 12; any other ID unchanged. */
export const shortId = (id: string): string => (/^[0-9a-f]{64}$/.test(id) ? id.slice(0, 12) : id);

/** Returns the container's name in messages: the name that a user gave it, or its ID. */
export const calledAs = ({ id, name }: { id: string; name?: string | undefined }): string =>
  name === undefined || name === id ? shortId(id) : name;

/** A03: returns the alias that every container has on its networks, the beginning of its id. */
export const idAlias = (id: string): string => id.slice(0, 12);
