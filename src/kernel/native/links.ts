import * as native from '#native';
import { SystemError } from '../../core/fault.ts';
import type { AddressSteps } from '../../core/steps/address.ts';
import type { FoundLink, LinkSteps } from '../../core/steps/link.ts';
import type { Announcements } from '../links/announcements.ts';
import { setIpv6 } from '../links/link-settings.ts';
import type { LinkWatch } from '../links/link-watch.ts';
import { uplink, uplinkMtu } from '../links/uplink.ts';
import { becomeVacant } from '../links/vacant-name.ts';
import { hostAddresses } from './host.ts';
import { acts, type Performers, type SingleVerb, unchanged } from './performer.ts';

type LinkVerb = Extract<keyof LinkSteps | keyof AddressSteps, SingleVerb>;

/** Performers for link and address steps that are not a single rtnetlink message. */
export const linkPerformers = (
  route: native.RouteSocket,
  links: LinkWatch,
  announcements: Announcements,
): Performers<LinkVerb> => ({
  'link.ipv6': (step, { sockets }) => {
    const drifted = setIpv6(step.netns === null ? route : sockets.open(step.netns), step);
    return { output: { drifted }, changed: drifted.length > 0 };
  },
  'link.gone': async ({ name, graceMs, alias }) => {
    await links.gone(name, graceMs, alias);
    return unchanged();
  },
  'link.vacant': async (step) => {
    await becomeVacant(route, step);
    return unchanged();
  },
  // the bridge has a carrier when one of its ports has one
  'link.settle': acts(({ name, bridge }) => {
    for (const link of [name, bridge]) native.linkByName(route, link);
  }),
  'link.find': ({ name, mtuOf }) => unchanged({ link: findLink(route, name, mtuOf ?? null) }),
  'address.settle': async ({ netns, addresses }, { sockets }) => {
    await settled(sockets.open(netns), addresses);
    return unchanged();
  },
  'address.announce': acts((step) => announcements.announce(step)),
});

/** Finds a link of the host; null: the uplink. */
export function findLink(route: native.RouteSocket, name: string | null, mtuOf: 'uplink' | null): FoundLink {
  const link = name === null ? uplink(route) : native.linkByName(route, name);
  if (!link) {
    const reason = name === null ? 'this host has no default route' : `there is no interface ${name}`;
    throw new SystemError('find link', 'ENODEV', reason);
  }
  const mtuBytes = (mtuOf === 'uplink' ? uplinkMtu(route) : null) ?? link.mtuBytes;
  const addresses = hostAddresses(route).filter((address) => !address.startsWith('fe80:'));
  const routesLoopback = link.ipv4Configuration?.routeLocalnet ?? false;
  return { name: link.name, mtuBytes, macAddress: link.macAddress, addresses, routesLoopback };
}

/** Maximum wait for addresses to take effect: far longer than it takes. */
const settlePatienceMs = 500;

/** Waits until addresses have taken effect: the kernel reports them before that, and not when it happens. Usually they have by now. */
async function settled(socket: native.RouteSocket, addresses: readonly string[]): Promise<void> {
  const deadline = performance.now() + settlePatienceMs;
  const isSettled = (address: string) => native.isLocalAddress(socket, address);
  while (!addresses.every(isSettled) && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 1));
}
