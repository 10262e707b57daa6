import { type Fault, fault } from '../fault.ts';

/** An id that a program made up, podman's for one: people say its beginning. */
const madeUp = /^[0-9a-f]{12,64}$/;

/** How much of it must be said: shorter ones are names of containers that are gone or still to come, `db` or `cafe`. */
const beginning = /^[0-9a-f]{6,64}$/;

/**
 * A container as people name it, in podman's order: by its id, by its name, by the beginning of its id where only one begins so.
 * Ids that are words are said whole: who removes `web` a second time does not mean `web2`.
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

/** podman's 64 digits as podman shows them, 12; any other id as it is. */
export const shortId = (id: string): string => (/^[0-9a-f]{64}$/.test(id) ? id.slice(0, 12) : id);

/** As messages call a container: by the name that a user gave it. */
export const calledAs = ({ id, name }: { id: string; name?: string | undefined }): string =>
  name === undefined || name === id ? shortId(id) : name;
