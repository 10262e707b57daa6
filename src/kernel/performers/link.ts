import * as native from '#native';
import { isLinkLocal6 } from '../../core/address.ts';
import { SystemError } from '../../core/fault.ts';
import type { FoundLink, LinkSteps } from '../../core/steps/link.ts';
import { setIpv6 } from '../links/link-settings.ts';
import type { LinkWatch } from '../links/link-watch.ts';
import { uplink, uplinkMtu } from '../links/uplink.ts';
import { becomeVacant } from '../links/vacant-name.ts';
import { hostAddresses } from './host.ts';
import { acts, type Performers, type SingleVerb, unchanged } from './performer.ts';

type LinkVerb = Extract<keyof LinkSteps, SingleVerb>;

/** Performers for link steps that are not a single rtnetlink message. */
export const linkPerformers = (route: native.RouteSocket, links: LinkWatch): Performers<LinkVerb> => ({
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
});

/** Finds a link of the host; null: the uplink. */
export function findLink(route: native.RouteSocket, name: string | null, mtuOf: 'uplink' | null): FoundLink {
  const link = name === null ? uplink(route) : native.linkByName(route, name);
  if (!link) {
    const reason = name === null ? 'this host has no default route' : `there is no interface ${name}`;
    throw new SystemError('find link', 'ENODEV', reason);
  }
  const mtuBytes = (mtuOf === 'uplink' ? uplinkMtu(route) : null) ?? link.mtuBytes;
  const addresses = hostAddresses(route).filter((address) => !isLinkLocal6(address));
  const routesLoopback = link.ipv4Configuration?.routeLocalnet ?? false;
  return { name: link.name, mtuBytes, macAddress: link.macAddress, addresses, routesLoopback };
}
