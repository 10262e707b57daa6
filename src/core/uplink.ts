import { parseSubnet, type Subnet, subnetContains } from './address.ts';

/** Outside addresses: only looked up, never contacted. The first that is reachable shows how this host's traffic leaves. */
export const publicAddresses = ['8.8.8.8', '2001:4860:4860::8888'] as const;

/** Checks whether a route to there may be the way out: a default route, or half of one as a VPN makes it. */
export function mayLeadOut(destination: string): boolean {
  const subnet = parseSubnet(destination) as Subnet;
  return publicAddresses.some((address) => subnetContains(subnet, address));
}

/** The way that this host's traffic to the outside takes now; null: no way out. */
export interface WayOut {
  /** source address of IPv4 (C09) */
  hostIp: string | null;
  link: string | null;
  mtuBytes: number | null;
}

export const noWayOut: WayOut = { hostIp: null, link: null, mtuBytes: null };

/** Checks whether containers that follow the way out would be made the same from both. */
export function isSameLink(one: WayOut, other: WayOut): boolean {
  return one.link === other.link && one.mtuBytes === other.mtuBytes;
}
