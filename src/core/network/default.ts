import type { Fault } from '../fault.ts';
import { defaultNetworkId } from './identity.ts';
import { type NetworkWish, networkWish } from './wish.ts';

/**
 * The default network is podman's: the one that podman has in memory until its user writes it down. So podman and netloom mean
 * one network, whichever uses it first.
 */

/** Returns the wish for it if no network has that name: without names, as podman's is. */
export function defaultNetworkWish(name: string): NetworkWish {
  const wish = networkWish({
    name,
    network_interface: 'podman0',
    subnets: [{ subnet: '10.88.0.0/16' }],
    dns_enabled: false,
  }) as Exclude<ReturnType<typeof networkWish>, Fault>;
  return { ...wish, id: defaultNetworkId };
}
