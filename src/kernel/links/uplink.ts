import * as native from '#native';
import { leastMtuBytes6 } from '../../core/network/definition.ts';
import { publicAddresses } from '../../core/uplink.ts';

/** Returns the MTU for bridges that follow the uplink; null: no uplink. Not below IPv6's minimum: the host reports packets too large for the uplink. */
export function uplinkMtu(socket: native.RouteSocket): number | null {
  const link = uplink(socket);
  return link && Math.max(link.mtuBytes, leastMtuBytes6);
}

/** Returns the link for external traffic, by any route, as `ip route get <a public address>` does. */
export function uplink(socket: native.RouteSocket): native.LinkInfo | null {
  for (const address of publicAddresses) {
    const index = native.linkTowards(socket, address);
    const name = index === null ? null : native.linkName(socket, index);
    const link = name === null ? null : native.linkByName(socket, name);
    if (link && !link.loopback) return link;
  }
  return null;
}
