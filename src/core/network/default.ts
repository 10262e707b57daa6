import type { Fault } from '../fault.ts';
import { defaultNetworkId } from './identity.ts';
import { type NetworkWish, networkWish } from './wish.ts';

/**
 * The default network is podman's: what podman has in memory until its user writes it down. So both mean one network, in
 * whatever order they use it.
 */

/** What it is, where there is none of that name yet: without names, as podman's is. */
export function defaultNetworkWish(name: string): NetworkWish {
  const wish = networkWish({
    name,
    network_interface: 'podman0',
    subnets: [{ subnet: '10.88.0.0/16' }],
    dns_enabled: false,
  }) as Exclude<ReturnType<typeof networkWish>, Fault>;
  return { ...wish, id: defaultNetworkId };
}
