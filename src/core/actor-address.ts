/** Addresses of actors, by kind: `host`, `network/<name>`, `container/<id>`, `dhcp/<container>/<network>`. */
interface Addresses {
  host: 'host';
  network: `network/${string}`;
  container: `container/${string}`;
  dhcp: `dhcp/${string}/${string}`;
}
export type ActorKind = keyof Addresses;
/** Address of an actor of one kind, or of any. */
export type ActorAddress<Kind extends ActorKind = ActorKind> = Addresses[Kind];
/** Kind of the actor at an address. */
export type KindOf<Address extends ActorAddress> = Address extends `${infer Kind extends ActorKind}/${string}`
  ? Kind
  : 'host';

export const hostAddress: ActorAddress<'host'> = 'host';

export function containerAddress(id: string): ActorAddress<'container'> {
  return `container/${id}`;
}

export function networkAddress(name: string): ActorAddress<'network'> {
  return `network/${name}`;
}

/** Returns the address of a container's DHCP client on a network; neither name has a slash. */
export function dhcpAddress(container: string, network: string): ActorAddress<'dhcp'> {
  return `dhcp/${container}/${network}`;
}

/** Returns the container and the network of a DHCP client. */
export function dhcpClientOf(address: ActorAddress): { container: string; network: string } {
  const [container = '', network = ''] = actorName(address).split('/');
  return { container, network };
}

export function actorKind(address: ActorAddress): ActorKind {
  return address.split('/')[0] as ActorKind;
}

export function isOfKind<Kind extends ActorKind>(address: ActorAddress, kind: Kind): address is ActorAddress<Kind> {
  return actorKind(address) === kind;
}

/** Returns the part after the slash; empty for the host. */
export function actorName(address: ActorAddress): string {
  return address.slice(address.indexOf('/') + 1);
}

/**
 * Returns the index of the worker that an actor always lives on, so no directory is needed. The host and the networks, which all
 * containers ask, live together on the first: a claim crosses to one other thread at most. Containers are spread (FNV-1a), each
 * with its DHCP clients.
 */
export function workerOf(address: ActorAddress, workers: number): number {
  const kind = actorKind(address);
  if (kind === 'dhcp') return workerOf(containerAddress(dhcpClientOf(address).container), workers);
  if (kind !== 'container') return 0;
  let hash = 0x811c9dc5;
  for (let index = 0; index < address.length; index++)
    hash = Math.imul(hash ^ address.charCodeAt(index), 0x01000193) >>> 0;
  return hash % workers;
}
