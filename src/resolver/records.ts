import { canonicalAddress, familyOf, parseSubnet, type Subnet, subnetContains } from '../core/address.ts';
import { askedNames, dnsName, isCarried } from '../core/dns-name.ts';
import type { ResolverEntry, ResolverNetwork } from './protocol.ts';

/** Names, and which askers see them. Nothing here opens a socket. */

/** The names of one network; entries may exist before the network itself is served. */
interface Zone {
  network: ResolverNetwork | null;
  subnets: Subnet[];
  entries: Map<string, Entry>;
  /** lower case → containers, in order of arrival */
  names: Map<string, Set<string>>;
  addresses: Map<string, string>;
}

interface Entry extends ResolverEntry {
  /** every spelling that is answered */
  asked: string[];
}

/** Networks and records visible to one asker. */
export interface View {
  /** first the network of the query, then the asker's other networks */
  networks: ResolverNetwork[];
  entries: ResolverEntry[];
}

export class Records {
  readonly #zones = new Map<string, Zone>();
  readonly #networksOf = new Map<string, Set<string>>();

  network(name: string): ResolverNetwork | null {
    return this.#zones.get(name)?.network ?? null;
  }

  networks(): ResolverNetwork[] {
    return [...this.#zones.values()].flatMap(({ network }) => network ?? []);
  }

  counts(name: string): { containers: number; names: number } {
    const zone = this.#zones.get(name);
    return { containers: zone?.entries.size ?? 0, names: zone?.names.size ?? 0 };
  }

  entryCount(): number {
    return [...this.#zones.values()].reduce((sum, { entries }) => sum + entries.size, 0);
  }

  serve(network: ResolverNetwork): void {
    const zone = this.#zone(network.name);
    zone.network = network;
    zone.subnets = network.subnets.flatMap((text) => parseSubnet(text) ?? []);
  }

  retire(name: string): void {
    const zone = this.#zones.get(name);
    if (!zone) return;
    for (const container of [...zone.entries.keys()]) this.remove(name, container);
    this.#zones.delete(name);
  }

  /** Replaces a container's records in one step: no query sees it with none or half of them. */
  add(given: ResolverEntry): void {
    const entry = {
      ...given,
      names: [...new Set(given.names.flatMap((name) => dnsName(name) ?? []))],
      asked: [...new Set(given.names.flatMap(askedNames))],
      addresses: given.addresses.map((address) => canonicalAddress(address) ?? address),
    };
    this.remove(entry.network, entry.container);
    const { entries, names, addresses } = this.#zone(entry.network);
    entries.set(entry.container, entry);
    for (const name of entry.asked) names.set(name, (names.get(name) ?? new Set()).add(entry.container));
    for (const address of entry.addresses) addresses.set(address, entry.container);
    const on = this.#networksOf.get(entry.container) ?? new Set();
    this.#networksOf.set(entry.container, on.add(entry.network));
  }

  remove(network: string, container: string): void {
    const zone = this.#zones.get(network);
    const entry = zone?.entries.get(container);
    if (!zone || !entry) return;
    zone.entries.delete(container);
    for (const name of entry.asked) dropMember(zone.names, name, container);
    for (const address of entry.addresses)
      if (zone.addresses.get(address) === container) zone.addresses.delete(address);
    dropMember(this.#networksOf, container, network);
    // a zone with early entries only is removed with the last of them
    if (!zone.network && zone.entries.size === 0) this.#zones.delete(network);
  }

  isLocal(network: string, address: string): boolean {
    return this.#zones.get(network)?.subnets.some((subnet) => subnetContains(subnet, address)) ?? false;
  }

  /** Returns the container with this address (canonical) on the network. */
  holderOf(network: string, address: string): string | null {
    return this.#zones.get(network)?.addresses.get(address) ?? null;
  }

  /** Returns what is visible from this source address (canonical) at this network's gateway. */
  view(network: string, source: string): View {
    const container = this.#zones.get(network)?.addresses.get(source);
    const on = container === undefined ? [] : [...(this.#networksOf.get(container) ?? [])];
    const seen = [network, ...on.filter((name) => name !== network)];
    return {
      networks: seen.flatMap((name) => this.network(name) ?? []),
      entries: seen.flatMap((name) => this.#zones.get(name)?.entries.get(container ?? '') ?? []),
    };
  }

  /** Returns the addresses of a name (lower case, without search domain) on these networks; null if no container has it. */
  addressesOf(networks: readonly ResolverNetwork[], name: string, family: 4 | 6): string[] | null {
    const found = networks.flatMap((network) => this.#holders(network.name, name));
    if (found.length === 0) return null;
    return [...new Set(found.flatMap(({ addresses }) => addresses))].filter((address) => familyOf(address) === family);
  }

  #holders(network: string, name: string): ResolverEntry[] {
    const zone = this.#zones.get(network);
    return [...(zone?.names.get(name) ?? [])].flatMap((container) => zone?.entries.get(container) ?? []);
  }

  /**
   * Returns all names of the container at an address, as aardvark-dns does, but under a domain: that of the asker's engine, else
   * that of the container's engine, else the network's. Empty: no container has the address.
   */
  namesAt({ networks, entries }: View, address: string): string[] {
    const asked = this.#domainOf(entries[0]);
    for (const { name, searchDomain } of networks) {
      const zone = this.#zones.get(name);
      const holder = zone?.entries.get(zone.addresses.get(address) ?? '');
      const domain = asked ?? this.#domainOf(holder) ?? searchDomain;
      const whole = (holder?.names ?? []).map((each) => `${each}.${domain}`).filter(isCarried);
      if (whole.length > 0) return whole;
    }
    return [];
  }

  /** Returns the search domain of the container's engine; it comes with the networks that the engine joins itself. */
  #domainOf(entry: ResolverEntry | undefined): string | null {
    if (!entry) return null;
    const on = [...(this.#networksOf.get(entry.container) ?? [])];
    const known = on.flatMap((network) => this.#zones.get(network)?.entries.get(entry.container)?.domain ?? []);
    return known[0] ?? null;
  }

  #zone(name: string): Zone {
    const zone = this.#zones.get(name) ?? emptyZone();
    this.#zones.set(name, zone);
    return zone;
  }
}

function emptyZone(): Zone {
  return { network: null, subnets: [], entries: new Map(), names: new Map(), addresses: new Map() };
}

function dropMember(sets: Map<string, Set<string>>, key: string, member: string): void {
  const set = sets.get(key);
  set?.delete(member);
  if (set?.size === 0) sets.delete(key);
}
