import {
  type Family,
  families,
  familyOf,
  isBroadcast,
  isLinkLocal6,
  parseSubnet,
  type Subnet,
  subnetContains,
  subnetsOverlap,
} from '../../address.ts';
import { calledAs } from '../../container/reference.ts';
import { isDeepEqual } from '../../deep-equal.ts';
import { type Fault, fault } from '../../fault.ts';
import { type Lease, lacksTerms } from '../../lease/lease.ts';
import type { NetworkRoute } from '../../network/definition.ts';
import { firstRouteMetric, lanRouteMetric } from '../../network/routes.ts';
import type { Step } from '../../steps/step.ts';
import { type ContainerGrant, type Joined, joined } from './grant.ts';

/** Default routes, the routes of networks, and those that DHCP servers send: a container's routes, and their changes. */

export type RouteAdd = Extract<Step, { verb: 'route.add' | 'route.delete' }>;

/**
 * Returns all routes, network by network: its default routes, then its own. A destination has one route per metric: if several
 * networks have one, the first is in force.
 */
export function allRoutes(grant: ContainerGrant): RouteAdd[] {
  const routes = joined(grant).flatMap((one) => [
    // a gateway may be beyond the subnet, on the link itself
    ...givenRoutes(grant, one, 'link'),
    ...defaultRoutes(grant, one),
    ...givenRoutes(grant, one, 'gateway'),
    ...networkRoutes(grant, one),
  ]);
  const isInPlaceOf = (one: RouteAdd) => (other: RouteAdd) =>
    one.destination === other.destination && one.metric === other.metric;
  return routes.filter((route, index) => routes.findIndex(isInPlaceOf(route)) === index);
}

/** Returns routes that refuse traffic: no link takes them along when it is removed. */
export const refusingRoutes = (grant: ContainerGrant): RouteAdd[] =>
  allRoutes(grant).filter(({ link }) => link === null);

export const withdrawn = (route: RouteAdd): RouteAdd => ({ ...route, verb: 'route.delete' });

/**
 * Returns added routes. When a network joins: its own, and those of others whose gateway is on it. When a network leaves: those
 * of others that replace its routes.
 */
export function routesThatCome(before: ContainerGrant, after: ContainerGrant): RouteAdd[] {
  const known = allRoutes(before);
  return allRoutes(after).filter((route) => !known.some((other) => isDeepEqual(route, other)));
}

/** Returns removed routes: those of a leaving network that do not vanish with its link, and those that a preferred one replaces. */
export function routesThatGo(before: ContainerGrant, after: ContainerGrant): RouteAdd[] {
  const links = new Set<string | null>([null, ...joined(after).map(({ attachment }) => attachment.interfaceName)]);
  return routesThatCome(after, before).filter(({ link }) => links.has(link));
}

export const leadsOutwards = ({ destination, link }: RouteAdd): boolean =>
  link !== null && (destination === '0.0.0.0/0' || destination === '::/0');

/** Returns one default route per family, by its first gateway; among networks the first is preferred, but a LAN before bridges. */
function defaultRoutes(grant: ContainerGrant, { attachment, lease }: Joined): RouteAdd[] {
  const { interfaceName: link, slot } = attachment;
  return families.flatMap((family): RouteAdd[] => {
    const gateway = gatewayTowards(lease, family);
    if (gateway === null) return [];
    const isFirstLan = firstLan(grant, family)?.attachment.network === attachment.network;
    const metric = lease.metric ?? (isFirstLan ? lanRouteMetric : firstRouteMetric + slot);
    const destination = family === 4 ? '0.0.0.0/0' : '::/0';
    return [{ verb: 'route.add', netns: grant.netns, destination, gateway, link, metric }];
  });
}

/** Returns the gateway of the default route of that family; null: no default route. */
function gatewayTowards(lease: Lease, family: Family): string | null {
  if (lease.internal || !lease.defaultRoute) return null;
  const near = lease.addresses.find(({ address, gateway }) => gateway !== null && familyOf(address) === family);
  return near?.gateway ?? null;
}

/** Returns the first network upon a parent: only one route can have its metric, so the others keep the order of the networks. */
const firstLan = (grant: ContainerGrant, family: Family): Joined | undefined =>
  joined(grant).find(
    ({ lease }) => lease.link.kind !== 'bridge' && lease.metric === null && gatewayTowards(lease, family) !== null,
  );

/**
 * Returns routes that a network gives its members. A route is left out if its gateway was on a network that the container has
 * left, or if the container itself is the gateway.
 */
function networkRoutes(grant: ContainerGrant, one: Joined): RouteAdd[] {
  const { netns } = grant;
  return one.lease.routes.flatMap(({ destination, gateway, metric: own, type }): RouteAdd[] => {
    const metric = own ?? firstRouteMetric;
    if (type !== 'unicast') return [{ verb: 'route.add', netns, destination, gateway: null, link: null, metric, type }];
    const link = isOwn(grant, gateway) ? null : linkTowards(grant, one, gateway);
    return link === null ? [] : [{ verb: 'route.add', netns, destination, gateway, link, metric }];
  });
}

/**
 * Returns what a DHCP server sends beside the default route. An internal network has no external access, and a server must not
 * change the routes of networks, or what is on other networks of the container.
 */
function givenRoutes(grant: ContainerGrant, one: Joined, by: 'link' | 'gateway'): RouteAdd[] {
  const { attachment, lease } = one;
  const routes = lease.internal ? [] : (lease.dhcp?.terms?.routes ?? []);
  const own = joined(grant).flatMap((each) => networkRoutes(grant, each));
  return routes
    .filter(({ gateway }) => (gateway === null) === (by === 'link'))
    .filter(({ destination }) => !own.some((route) => route.destination === destination))
    .filter(({ destination }) => isFree(grant, one, parseSubnet(destination) as Subnet))
    .map(({ destination, gateway }): RouteAdd => {
      const { interfaceName: link, slot } = attachment;
      // the same gateway may be on two links
      const metric = gateway === null ? firstRouteMetric + slot : firstRouteMetric;
      return { verb: 'route.add', netns: grant.netns, destination, gateway, link, metric };
    });
}

/** Checks whether it is not part of another network's subnet, and not half of all addresses where a default route is not wanted. */
function isFree(grant: ContainerGrant, { attachment, lease }: Joined, destination: Subnet): boolean {
  if (!lease.defaultRoute && destination.prefixLength <= 1) return false;
  const others = joined(grant).filter((other) => other.attachment.network !== attachment.network);
  return !others.some((other) =>
    other.lease.addresses.some(({ address, prefixLength }) => {
      const subnet = parseSubnet(`${address}/${prefixLength}`);
      return subnet !== null && destination.prefixLength >= prefixLength && subnetsOverlap(subnet, destination);
    }),
  );
}

const isOwn = (grant: ContainerGrant, gateway: string | null): boolean =>
  joined(grant).some(({ lease }) => lease.addresses.some(({ address }) => address === gateway));

/**
 * Returns the interface that reaches a gateway: the network's own, else that of another network of the container; null: no
 * interface does.
 */
function linkTowards(grant: ContainerGrant, { attachment, lease }: Joined, gateway: string | null): string | null {
  if (gateway === null || reaches(lease, gateway) || isLinkLocal6(gateway)) return attachment.interfaceName;
  return joined(grant).find((other) => reaches(other.lease, gateway))?.attachment.interfaceName ?? null;
}

/** Checks whether the gateway is in its subnets, or on the link according to a DHCP server. */
const reaches = ({ addresses, dhcp }: Lease, gateway: string): boolean => {
  const onLink = dhcp?.terms?.routes.filter((route) => route.gateway === null) ?? [];
  return [
    ...addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
    ...onLink.map(({ destination }) => destination),
  ].some((text) => {
    const subnet = parseSubnet(text);
    return subnet !== null && subnetContains(subnet, gateway) && !isBroadcast(subnet, gateway);
  });
};

/**
 * C05: finds a route, of one of its networks or of the given one, whose gateway is on none of them. The IPv4 gateways of a
 * network are unknown until its DHCP server has answered.
 */
export function unreachableRoute(grant: ContainerGrant, network: string | null = null): Fault | null {
  const waits = joined(grant).some(({ lease }) => lacksTerms(lease));
  for (const one of joined(grant).filter(({ attachment }) => network === null || attachment.network === network)) {
    const lost = one.lease.routes.find(
      ({ type, gateway, destination }) =>
        type === 'unicast' && !(waits && familyOf(destination) === 4) && linkTowards(grant, one, gateway) === null,
    );
    const dead = broadcastGateway(one);
    if (dead) return dead;
    if (lost) return unreachable(calledAs(grant.wish), one.attachment.network, lost);
  }
  return null;
}

/** Finds a broadcast address as gateway: a file may have it, and so may an internal network. */
function broadcastGateway({ attachment, lease }: Joined): Fault | null {
  if (lease.internal || !lease.defaultRoute) return null;
  const dead = lease.addresses.find(({ address, prefixLength, gateway }) => {
    const subnet = parseSubnet(`${address}/${prefixLength}`);
    return gateway !== null && subnet !== null && isBroadcast(subnet, gateway);
  });
  return dead
    ? fault(
        'route.unreachable',
        `network ${attachment.network}: its gateway ${dead.gateway} is the broadcast address of its subnet; give it another gateway`,
      )
    : null;
}

function unreachable(container: string, network: string, { destination, gateway }: NetworkRoute): Fault {
  return fault(
    'route.unreachable',
    `network ${network}: its route to ${destination} leads through ${gateway}, which is on no network of container ${container}`,
  );
}
