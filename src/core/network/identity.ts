import { networkId } from '../names.ts';
import type { NetworkDefinition } from './definition.ts';
import { changeableOptions } from './options.ts';

/** Whether two definitions mean one network. */

/** Of podman's default network, whatever its name. */
export const defaultNetworkId = '2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9';

/** Whether it was defined by netloom, also by one that is long gone: by the id, which follows from the name. */
export function isOurs({ id, name }: Pick<NetworkDefinition, 'id' | 'name'>): boolean {
  return id === networkId(name);
}

/**
 * Whether both are one network, whatever became of it meanwhile: engines that keep a network in memory tell another time of
 * its making at each start of a container; its name servers, and whom it lets in, may change while it is in use.
 */
export function isSameNetwork(one: NetworkDefinition, other: NetworkDefinition): boolean {
  return JSON.stringify(lastingParts(one)) === JSON.stringify(lastingParts(other));
}

/** Whether an engine means that network: podman 4.3 knows no routes, and later ones before 6 none that have a type. */
export function isBroughtNetwork(known: NetworkDefinition, brought: NetworkDefinition): boolean {
  const knowsTypes = brought.routes.some(({ type }) => type !== 'unicast');
  const told = knowsTypes ? known.routes : known.routes.filter(({ type }) => type === 'unicast');
  return isSameNetwork({ ...known, routes: brought.routes.length === 0 ? [] : told }, brought);
}

function lastingParts({
  id,
  driver,
  network_interface,
  subnets,
  routes,
  ipv6_enabled,
  internal,
  dns_enabled,
  options,
  ipam_options,
}: NetworkDefinition) {
  const sorted = Object.entries(options)
    .filter(([name]) => !changeableOptions.includes(name))
    .sort(([key], [other]) => (key < other ? -1 : 1));
  const lasting = [id, driver, network_interface, subnets, routes, internal, dns_enabled, sorted];
  return [...lasting, ipv6_enabled, ipam_options.driver];
}
