import type { Subnet } from '../address.ts';
import { canonicalAddress, familyOf, formatSubnet, hasHostBits, isBroadcast, parseSubnet } from '../address.ts';
import type { Fault } from '../fault.ts';
import { fault } from '../fault.ts';
import type { NetworkRoute, NetworkSubnet } from './definition.ts';
import type { NetworkSettings } from './options.ts';
import type { NetworkRequest } from './request.ts';
import type { NetworkWish } from './wish.ts';

/** The routes that a network gives its containers. */

/** netavark's metric of a route without one, and of the first default route; each further network's default route has one more. */
export const firstRouteMetric = 100;

/** C12: netavark's metric of a network upon a parent: the LAN is preferred to any bridge. */
export const lanRouteMetric = 99;

/** The kernel's replacement for metric 0 in IPv6. */
const kernelMetric6 = 1024;

/** Returns the metric that a route has in force. */
export function routeMetric({ destination, metric }: Pick<NetworkRoute, 'destination' | 'metric'>): number {
  const wanted = metric ?? firstRouteMetric;
  return wanted === 0 && familyOf(destination) === 6 ? kernelMetric6 : wanted;
}

/** Checks whether another route already takes a route's place. */
export function isRepeated(route: NetworkRoute, others: readonly NetworkRoute[]): boolean {
  return others.some((other) => other.destination === route.destination && routeMetric(other) === routeMetric(route));
}

export function networkRoutes(
  requested: NonNullable<NetworkRequest['routes']>,
  subnets: readonly NetworkSubnet[],
): NetworkRoute[] | Fault {
  const routes: NetworkRoute[] = [];
  for (const entry of requested) {
    const route = networkRoute(entry);
    if ('code' in route) return route;
    const { destination, gateway } = route;
    if (isRepeated(route, routes))
      return fault(
        'payload.invalid',
        `there are two routes to ${destination} with metric ${routeMetric(route)}; give one of them another metric`,
      );
    const around =
      gateway === null ? null : subnets.find(({ subnet }) => isBroadcast(parseSubnet(subnet) as Subnet, gateway));
    if (around)
      return fault(
        'address.invalid',
        `route to ${destination}: gateway ${gateway} is the broadcast address of ${around.subnet}; give the address of a host`,
      );
    routes.push(route);
  }
  return routes;
}

/** Finds a route of everything that would not be in force beside the default route by the network's gateway. */
export function hiddenDefaultRoute(
  { driver, routes, internal, subnets, automatic }: NetworkWish,
  settings: NetworkSettings,
): Fault | null {
  if (internal || !settings.defaultRoute) return null;
  const led = new Set([...automatic, ...subnets.flatMap(({ subnet }) => parseSubnet(subnet)?.family ?? [])]);
  const hidden = routes.find(({ destination, metric }) => {
    const { family, prefixLength } = parseSubnet(destination) as Subnet;
    const own = { destination, metric: settings.metric ?? (driver === 'bridge' ? firstRouteMetric : lanRouteMetric) };
    return prefixLength === 0 && led.has(family) && routeMetric({ destination, metric }) === routeMetric(own);
  });
  return hidden
    ? fault(
        'payload.invalid',
        `route to ${hidden.destination}: the network's gateway is the default route with metric ${routeMetric(hidden)} already; give the route another metric, or the option no_default_route=true`,
      )
    : null;
}

/** Checks a route. Whether its gateway can be reached is known when a container joins: it may be on another network of the container. */
function networkRoute({
  destination,
  gateway,
  metric,
  type,
  route_type,
}: NonNullable<NetworkRequest['routes']>[number]): NetworkRoute | Fault {
  const subnet = parseSubnet(destination);
  if (!subnet) return fault('subnet.invalid', `route to ${destination}: not a valid subnet`);
  if (hasHostBits(destination))
    return fault(
      'subnet.invalid',
      `route to ${destination}: not a subnet; the one around it is ${formatSubnet(subnet)}`,
    );
  if (type && route_type && type !== route_type)
    return fault(
      'payload.invalid',
      `route to ${destination}: type ${type} and route_type ${route_type} differ; give one`,
    );
  const route: NetworkRoute = {
    destination: formatSubnet(subnet),
    gateway: null,
    metric: metric ?? null,
    type: type ?? route_type ?? 'unicast',
  };
  if (route.type !== 'unicast')
    return gateway ? fault('payload.invalid', `a ${route.type} route cannot have a gateway`) : route;
  const via = canonicalAddress(gateway ?? '');
  if (via === null)
    return fault('address.invalid', `route to ${destination}: gateway ${gateway ?? ''} is not an IP address`);
  if (familyOf(via) !== subnet.family)
    return fault('address.invalid', `route to ${destination}: gateway ${via} is an IPv${familyOf(via)} address`);
  return { ...route, gateway: via };
}
