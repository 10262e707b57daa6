import { parseSubnet } from '../address.ts';
import type { Fault } from '../fault.ts';
import { fault } from '../fault.ts';
import { hasIpv6Subnet, leastMtuBytes6, type NetworkDefinition, ownsBridge } from './definition.ts';
import type { NetworkDriver, NetworkSettings } from './options.ts';
import { changeableOptions, networkSettings } from './options.ts';
import type { NetworkWish } from './wish.ts';

/** Requests that contradict themselves. */

export const addressesByAdvertisement =
  'with ipv6_enabled, containers take addresses of IPv6 from router advertisements';

/** Returns the first contradiction in a wish. */
export function contradiction(wish: NetworkWish, settings: NetworkSettings, asker: 'user' | 'engine'): Fault | null {
  const { driver, subnets, ipamDriver, automatic, sharesLink, link } = wish;
  const conflict = (message: string) => fault('payload.invalid', message);
  const families = [...automatic, ...subnets.flatMap(({ subnet }) => parseSubnet(subnet)?.family ?? [])];
  if (ipamDriver === 'none' && subnets.length > 0)
    return conflict('--ipam-driver none gives no addresses, so the network cannot have a --subnet');
  if (ipamDriver === 'dhcp') return dhcpConflict(wish, settings, asker);
  if (families.includes(6) && settings.mtuBytes !== null && settings.mtuBytes < leastMtuBytes6)
    return conflict(`mtu ${settings.mtuBytes}: IPv6 needs at least ${leastMtuBytes6}`);
  if (driver === 'bridge' && sharesLink && link === null) return conflict(bridgeMissing);
  if (sharesLink && ipamDriver === 'host-local' && subnets.length === 0) return conflict(subnetMissing(driver));
  if (wish.dnsEnabled && driver !== 'bridge')
    return conflict(`dns_enabled: ${aNetwork(driver)} cannot answer names, because it has no gateway of netloom's`);
  if (wish.dnsEnabled && ipamDriver === 'none')
    return conflict('dns_enabled: a network without addresses (--ipam-driver none) cannot answer names');
  const unasked = wish.dnsServers.length > 0 ? nameServersRefusal(wish) : null;
  if (unasked) return unasked;
  for (const [family, outbound] of [
    [4, settings.outbound4],
    [6, settings.outbound6],
  ] as const)
    if (outbound !== null && (wish.internal || !families.includes(family)))
      return conflict(`outbound_addr${family}: no IPv${family} traffic leaves this network`);
  return guardConflict(wish);
}

const bridgeMissing = 'an unmanaged network needs the name of its bridge: give --interface-name';

const aNetwork = (driver: NetworkDriver): string => `${driver === 'ipvlan' ? 'an' : 'a'} ${driver} network`;

function subnetMissing(driver: NetworkDriver): string {
  const [network, link] = driver === 'bridge' ? ['an unmanaged network', 'bridge'] : [aNetwork(driver), 'parent'];
  const others = driver === 'ipvlan' ? 'none' : 'dhcp or none';
  return `${network} needs a subnet of its ${link}: give --subnet, or --ipam-driver ${others}`;
}

/** Returns why a network has no use for name servers: it answers no names. null: it has. */
export function nameServersRefusal({
  driver,
  dnsEnabled,
  ipamDriver,
}: Pick<NetworkWish, 'driver' | 'dnsEnabled' | 'ipamDriver'>): Fault | null {
  const without = (reason: string) =>
    fault('payload.invalid', `--dns: ${reason}, so it has no use for name servers; give them to the containers`);
  if (ipamDriver === 'dhcp')
    return without('a network with --ipam-driver dhcp answers no names and has the name servers of the DHCP server');
  if (driver !== 'bridge') return without(`${aNetwork(driver)} answers no names`);
  if (ipamDriver === 'none') return without('a network with --ipam-driver none answers no names');
  return dnsEnabled ? null : without('the network answers no names (--disable-dns)');
}

/** Returns why a network of these traits cannot have its addresses from a DHCP server; null: it can. */
export function dhcpRefusal({
  driver,
  options,
  subnets,
  ipv6_enabled,
}: Pick<NetworkDefinition, 'driver' | 'options' | 'subnets' | 'ipv6_enabled'>): Fault | null {
  const unsupported = (message: string) => fault('mode.unsupported', `ipam driver dhcp: ${message}`);
  if (driver === 'ipvlan')
    return unsupported('the containers of an ipvlan have one MAC address, and a DHCP server could not tell them apart');
  if (ownsBridge({ driver, options }))
    return unsupported('a bridge made by netloom has no DHCP server; use macvlan, or bridge with mode=unmanaged');
  if (hasIpv6Subnet({ subnets })) return unsupported(`DHCPv6 is not supported; ${addressesByAdvertisement}`);
  if (subnets.length > 0)
    return fault('payload.invalid', 'ipam driver dhcp: subnets cannot be given; the DHCP server decides the subnet');
  if (ipv6_enabled && networkSettings({ driver, options }).acceptRa === 0)
    return unsupported('DHCPv6 is not supported, and with accept_ra=0 nothing else gives addresses of IPv6');
  return null;
}

/** Returns why a network with DHCP addresses cannot have its other settings; null: it can. */
function dhcpConflict(wish: NetworkWish, settings: NetworkSettings, asker: 'user' | 'engine'): Fault | null {
  const conflict = (message: string) => fault('payload.invalid', `ipam driver dhcp: ${message}`);
  const refusal = dhcpRefusal({ ...wish, ipv6_enabled: wish.ipv6Enabled });
  if (refusal) return refusal;
  if (wish.driver === 'bridge' && wish.link === null) return fault('payload.invalid', bridgeMissing);
  if (wish.dnsEnabled) return conflict('dns_enabled: names are answered only for addresses that netloom gives');
  // netavark keeps a bridge's name servers and asks none of them, and its engine's user must not be refused
  const isKept = asker === 'engine' && wish.driver === 'bridge';
  const unasked = wish.dnsServers.length > 0 && !isKept ? nameServersRefusal(wish) : null;
  if (unasked) return unasked;
  if (settings.outbound4 ?? settings.outbound6)
    return conflict('outbound_addr: netloom does not translate addresses on a parent or an unmanaged bridge');
  return guardConflict(wish);
}

/** Returns why guard options are refused: the network has no guards, or cannot open them; null: they are not. */
export function guardConflict({
  driver,
  internal,
  options,
}: Pick<NetworkDefinition, 'driver' | 'internal' | 'options'>): Fault | null {
  const named = changeableOptions.find((name) => Object.hasOwn(options, name));
  if (named !== undefined && !ownsBridge({ driver, options }))
    return fault('payload.invalid', `option ${named}: netloom guards only bridges of its own`);
  if (internal && options.inbound === 'open')
    return fault('payload.invalid', 'option inbound=open: nothing enters an internal network');
  return null;
}
