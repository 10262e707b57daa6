/** Addresses in use, as far as this host knows. The DHCP client does not accept one of them from a server. */

/** A container's addresses on a network. */
export interface HeldByContainer {
  container: string;
  network: string;
  /** bridge or parent; null: the network is not up */
  link: string | null;
  /** the bridge is netloom's: the host itself routes to its addresses */
  isOwnBridge: boolean;
  addresses: readonly string[];
}

/**
 * Describes the use of an address, as the rest of a sentence that begins with it; null: it is free, or in use on another LAN,
 * which may have the same addresses.
 */
export function addressHolder(
  address: string,
  { container, network }: { container: string; network: string },
  held: { host: readonly string[]; containers: readonly HeldByContainer[] },
): string | null {
  if (held.host.includes(address)) return 'is an address of this host';
  const own = held.containers.find((one) => one.network === network)?.link ?? null;
  const holder = held.containers.find(
    (one) =>
      one.addresses.includes(address) &&
      (one.container !== container || one.network !== network) &&
      (one.network === network || one.isOwnBridge || (one.link !== null && one.link === own)),
  );
  return holder ? `is the address of container ${holder.container} on network ${holder.network}` : null;
}
