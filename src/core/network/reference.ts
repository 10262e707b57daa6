import { type Fault, fault } from '../fault.ts';

/** A07: resolves a network by its name, its ID, or the beginning of its ID if only one ID begins so. */
export function resolveNetworkName(
  networks: readonly { name: string; id: string }[],
  reference: string,
): string | Fault {
  const exact = networks.find(({ name }) => name === reference) ?? networks.find(({ id }) => id === reference);
  if (exact) return exact.name;
  const candidates = networks.filter(({ id }) => id.startsWith(reference));
  const [only, ...others] = candidates;
  if (!only) return fault('network.unknown', `no network ${reference}`);
  if (others.length === 0) return only.name;
  const listed = candidates.map(({ name, id }) => `${name} (${id.slice(0, 12)})`).join(', ');
  return fault('network.ambiguous', `${reference} may be any of the networks ${listed}`);
}
