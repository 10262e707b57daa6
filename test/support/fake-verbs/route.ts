import { parseSubnet, type Subnet, subnetContains } from '../../../src/core/address.ts';
import type { RouteSteps } from '../../../src/core/steps/route.ts';
import type { Step } from '../../../src/core/steps/step.ts';
import type { FakeLinux } from '../fake-linux.ts';
import { type FakeVerbs, linkIn, netnsAt, Refused } from './verb.ts';

export const routeVerbs = (linux: FakeLinux): FakeVerbs<keyof RouteSteps> => ({
  'route.add': {
    perform: (step) => addRoute(linux, step),
    isSet: (step) => linux.netns(step.netns)?.routes.some((route) => isSameRoute(route, step)) ?? false,
  },
  'route.delete': {
    perform: (step) => {
      const netns = linux.netns(step.netns);
      if (netns) netns.routes = netns.routes.filter((other) => !isSameRoute(other, step));
    },
  },
});

function addRoute(linux: FakeLinux, { netns: path, link: name, ...route }: Step<'route.add'>): void {
  const { destination, gateway, metric, type = 'unicast' } = route;
  const netns = netnsAt(linux, path);
  const link = name === null ? null : linkIn(netns, name, 'add route');
  if (link && !link.settings.up) throw new Refused('add route', 'ENETDOWN', `${name} is down`);
  const reaches = (address: string) => subnetContains(parseSubnet(address) as Subnet, gateway as string);
  if (link && gateway !== null && !link.addresses.some(reaches))
    throw new Refused('add route', 'ENETUNREACH', 'Nexthop has invalid gateway');
  if (!netns.routes.some((other) => isSameRoute(other, { destination, metric })))
    netns.routes.push({ destination, gateway, link: name, metric, type });
}

function isSameRoute(one: { destination: string; metric: number | null }, other: typeof one): boolean {
  return one.destination === other.destination && one.metric === other.metric;
}
