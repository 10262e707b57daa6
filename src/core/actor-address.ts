/** Who is spoken to: `host`, `network/<name>`, `container/<id>`. */
export type ActorAddress = 'host' | `network/${string}` | `container/${string}`;
export type ActorKind = 'host' | 'network' | 'container';

export const hostAddress: ActorAddress = 'host';

export function containerAddress(id: string): ActorAddress {
  return `container/${id}`;
}

export function networkAddress(name: string): ActorAddress {
  return `network/${name}`;
}

export function actorKind(address: ActorAddress): ActorKind {
  return address.split('/')[0] as ActorKind;
}

/** The part after the slash; the host has none. */
export function actorName(address: ActorAddress): string {
  return address.slice(address.indexOf('/') + 1);
}

/**
 * The same actor always lives on the worker of the same index, so nobody needs a directory. The host and the networks,
 * who are asked by everybody, live together on the first: a claim goes to one other thread at most. Containers are
 * spread (FNV-1a).
 */
export function workerOf(address: ActorAddress, workers: number): number {
  if (actorKind(address) !== 'container') return 0;
  let hash = 0x811c9dc5;
  for (let index = 0; index < address.length; index++)
    hash = Math.imul(hash ^ address.charCodeAt(index), 0x01000193) >>> 0;
  return hash % workers;
}
