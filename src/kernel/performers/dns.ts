import * as native from '#native';
import { parseSubnet, type Subnet, subnetContains, withoutPrefixLength } from '../../core/address.ts';
import type { DnsSteps, ServedNames, ServedNetwork } from '../../core/steps/dns.ts';
import type { GatewayNames } from '../nft/gateway-names.ts';
import type { KernelServices } from '../services.ts';
import { systemFaultOf } from '../system-fault.ts';
import { changedIf, type Performers, unchanged } from './performer.ts';

export const dnsPerformers = (
  route: native.RouteSocket,
  gateways: GatewayNames,
  names: KernelServices['names'],
): Performers<keyof DnsSteps> => ({
  'dns.serve': async ({ verb: _, link, ...served }) =>
    link === undefined
      ? changedIf(await gateways.serve(served))
      : unchanged({ names: await serveOn(route, gateways, link, served) }),
  'dns.retire': async ({ network }) => {
    await gateways.retire(network);
    return unchanged();
  },
  'dns.add': async ({ verb: _, ...entry }) => {
    await names.add(entry);
    return unchanged();
  },
  'dns.remove': async ({ network, container }) => {
    await names.remove(network, container);
    return unchanged();
  },
});

/** Serves names on a foreign link: another program that answers there goes on, and without addresses only the names are kept. */
async function serveOn(
  route: native.RouteSocket,
  gateways: GatewayNames,
  link: string,
  network: ServedNetwork,
): Promise<ServedNames> {
  const servers = ownAddresses(route, link, network.subnets);
  try {
    await gateways.serve({ ...network, listen: servers });
    return { servers, refused: null };
  } catch (error) {
    const { errno, detail } = systemFaultOf(error, 'serve names');
    if (errno !== 'EADDRINUSE') throw error;
    await gateways.serve({ ...network, listen: [] });
    return { servers: [], refused: detail ?? errno };
  }
}

/** Lists the addresses of this host on a link, within those subnets. */
function ownAddresses(route: native.RouteSocket, link: string, within: readonly string[]): string[] {
  const { index } = native.linkByName(route, link) ?? { index: null };
  const subnets = within.map((subnet) => parseSubnet(subnet) as Subnet);
  return (
    native
      .listAddresses(route)
      .filter(({ linkIndex }) => linkIndex === index)
      .map(({ address }) => withoutPrefixLength(address))
      .filter((address) => subnets.some((subnet) => subnetContains(subnet, address)))
      // the kernel reports a tentative address again when it is no longer tentative
      .filter((address) => native.isLocalAddress(route, address))
  );
}
