import * as native from '#native';
import {
  type Family,
  families,
  formatSubnet,
  parseSubnet,
  type Subnet,
  withoutPrefixLength,
} from '../../core/address.ts';
import { isHostEnd, ownerOfAlias } from '../../core/object-names.ts';
import type { ForwardingSurvey, HostLink, HostSteps, HostSurvey } from '../../core/steps/host.ts';
import type { KernelServices } from '../services.ts';
import { changedIf, type Performers, unchanged } from './performer.ts';

/** Performers for the host's state, and for the parts of it that other programs keep. */
export const hostPerformers = (
  route: native.RouteSocket,
  { firewalld }: Pick<KernelServices, 'firewalld'>,
): Performers<keyof HostSteps> => ({
  'host.survey': () => unchanged({ survey: surveyHost(route) }),
  'forwarding.survey': () => unchanged({ forwarding: surveyForwarding(route) }),
  'firewalld.trust': async ({ subnets }) => changedIf(await firewalld.trust(subnets)),
  'firewalld.distrust': async ({ subnets }) => {
    await firewalld.distrust(subnets);
    return unchanged();
  },
});

export function hostLinks(route: native.RouteSocket): HostLink[] {
  const ownerOf = (alias: string | null) => (alias === null ? null : ownerOfAlias(alias));
  return native.listLinks(route).map(({ name, alias }) => ({ name, owner: ownerOf(alias) }));
}

/** Lists the host's addresses, without loopback and without prefixes. */
export function hostAddresses(route: native.RouteSocket): string[] {
  const own = native.listAddresses(route).filter(({ scope }) => scope !== 'host');
  return own.map(({ address }) => withoutPrefixLength(address));
}

function surveyForwarding(route: native.RouteSocket): ForwardingSurvey {
  const isOurs = (link: native.LinkInfo) =>
    isHostEnd(link) || (link.alias !== null && ownerOfAlias(link.alias) !== null);
  const others = native.listLinks(route).filter((link) => !link.loopback && !isOurs(link));
  const acceptRa = others.flatMap(({ name, ipv6Configuration }) =>
    ipv6Configuration ? [[name, ipv6Configuration.acceptRa] as const] : [],
  );
  const future = native.getSysctl(null, 'net/ipv6/conf/default/accept_ra');
  return {
    on: forwardingFamilies({ 4: 'net/ipv4/ip_forward', 6: 'net/ipv6/conf/all/forwarding' }),
    future: forwardingFamilies({ 4: 'net/ipv4/conf/default/forwarding', 6: 'net/ipv6/conf/default/forwarding' }),
    acceptRa: Object.fromEntries([...acceptRa, ...(future === null ? [] : [['default', Number(future)] as const])]),
    bridges: bridgesOf(others),
  };
}

const forwardingFamilies = (keys: Record<Family, string>): Family[] =>
  families.filter((family) => Number(native.getSysctl(null, keys[family]) ?? 0) !== 0);

const bridgesOf = (links: readonly native.LinkInfo[]): string[] =>
  links.filter(({ kind }) => kind === 'bridge').map(({ name }) => name);

function surveyHost(route: native.RouteSocket): HostSurvey {
  const links = native.listLinks(route);
  const nameOf = new Map(links.map(({ index, name }) => [index, name]));
  const way = (destination: string, linkIndex: number | null) => ({
    destination,
    link: linkIndex === null ? null : (nameOf.get(linkIndex) ?? null),
  });
  const routes = native.listRoutes(route);
  const waysWhere = (isConnected: boolean) =>
    routes
      .filter(({ connected }) => connected === isConnected)
      .map(({ destination, linkIndex }) => way(destination, linkIndex));
  // includes addresses of links that are down, or whose routes another program makes
  const addresses = native.listAddresses(route);
  return {
    linkNames: links.map(({ name }) => name),
    bridges: bridgesOf(links),
    connected: [
      ...waysWhere(true),
      ...addresses.map(({ address, linkIndex }) => way(formatSubnet(parseSubnet(address) as Subnet), linkIndex)),
    ],
    routes: waysWhere(false),
  };
}
