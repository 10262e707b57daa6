/** Who has an address already, as this host knows. A DHCP server that gives it once more is not believed. */

/** What a container has on a network. */
export interface HeldByContainer {
  container: string;
  network: string;
  /** bridge or parent; null: the network is not up */
  link: string | null;
  /** the bridge is netloom's: the host itself leads to its addresses */
  isOwnBridge: boolean;
  addresses: readonly string[];
}

/** In words that go on after the address; null: nobody has it, or one who does is on another LAN, where addresses may be the same. */
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
