import { networkId } from '../object-names.ts';
import type { NetworkDefinition } from './definition.ts';
import { changeableOptions } from './options.ts';

/** Identity of networks: whether two definitions mean the same one. */

/** ID of podman's default network, whatever its name. */
export const defaultNetworkId = '2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9';

/** Checks whether netloom defined it, even a former installation: by the ID, which follows from the name. */
export function isOurs({ id, name }: Pick<NetworkDefinition, 'id' | 'name'>): boolean {
  return id === networkId(name);
}

/**
 * Checks whether both are one network, whatever has changed meanwhile: engines that keep a network in memory send another
 * creation time at each start of a container; its name servers, and the traffic that it lets in, may change while it is in use.
 */
export function isSameNetwork(one: NetworkDefinition, other: NetworkDefinition): boolean {
  return JSON.stringify(lastingParts(one)) === JSON.stringify(lastingParts(other));
}

/** Checks whether an engine means that network: podman 4.3 knows no routes, and later versions before 6 no routes with a type. */
export function isBroughtNetwork(known: NetworkDefinition, brought: NetworkDefinition): boolean {
  const knowsTypes = brought.routes.some(({ type }) => type !== 'unicast');
  const routes = knowsTypes ? known.routes : known.routes.filter(({ type }) => type === 'unicast');
  return isSameNetwork({ ...known, routes: brought.routes.length === 0 ? [] : routes }, brought);
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
