import type dns from 'dns-packet';
import { canonicalAddress } from '../core/address.ts';
import { podmanDomain } from '../core/dns-name.ts';
import { type Query, rcodes, reply, reverseAddress } from './packet.ts';
import type { ResolverNetwork } from './protocol.ts';
import type { Records, View } from './records.ts';

/** How a query is answered: from the records, or by other servers. */
export type Decision = { reply: Buffer } | { servers: readonly string[] };

/** TTL in seconds: 0, because an address is free again the moment its container ends, and asking again costs no network. */
const ttl = 0;

/** Decides how to answer a query. `source` is canonical, and in a subnet of the network. */
export function decide(records: Records, network: string, source: string, query: Query): Decision {
  if (query.ednsVersion > 0) return { reply: reply(query, rcodes.noError) };
  if (query.class !== 'IN' && query.class !== 'ANY') return { reply: reply(query, rcodes.refused) };
  // transfers go from server to server, never to a container
  if (query.type === 'AXFR' || query.type === 'IXFR') return { reply: reply(query, rcodes.refused) };
  const view = records.view(network, source);
  const name = query.name.toLowerCase();
  const own = ownName(records, view, name, query) ?? ownAddress(records, view, name, query);
  if (own) return { reply: own };
  const forwarding = view.networks.filter(({ forward }) => forward);
  const nearest = forwarding[0];
  if (!nearest) return { reply: reply(query, rcodes.nxDomain) };
  const ofContainer = view.entries.find(({ servers }) => servers.length > 0)?.servers;
  return { servers: ofContainer ?? nearest.servers };
}

/** Answers a container's name, bare or under a search domain; null if the name is not netloom's. */
function ownName(records: Records, { networks }: View, name: string, query: Query): Buffer | null {
  for (const form of forms(networks, name)) {
    const four = records.addressesOf(networks, form, 4);
    if (four === null) continue;
    const answers = [
      ...(wants(query, 'A') ? rotated(four).map((data) => record(query.name, 'A', data)) : []),
      ...(wants(query, 'AAAA')
        ? rotated(records.addressesOf(networks, form, 6) ?? []).map((data) => record(query.name, 'AAAA', data))
        : []),
    ];
    return reply(query, rcodes.noError, answers, true);
  }
  if (domainsOf(networks).includes(name)) return reply(query, rcodes.noError, [], true);
  return isUnderSearchDomain(networks, name) ? reply(query, rcodes.nxDomain, [], true) : null;
}

function wants({ type }: Query, kind: 'A' | 'AAAA' | 'PTR'): boolean {
  return type === kind || type === 'ANY';
}

/** Lists the spellings of a name: as asked, and without each search domain that it ends with. */
function forms(networks: readonly ResolverNetwork[], name: string): string[] {
  const ends = domainsOf(networks).map((domain) => `.${domain}`);
  return [name, ...ends.filter((end) => name.endsWith(end)).map((end) => name.slice(0, -end.length))];
}

function domainsOf(networks: readonly ResolverNetwork[]): string[] {
  return [...new Set([...networks.map(({ searchDomain }) => searchDomain.toLowerCase()), podmanDomain])];
}

function isUnderSearchDomain(networks: readonly ResolverNetwork[], name: string): boolean {
  return domainsOf(networks).some((domain) => name.endsWith(`.${domain}`));
}

/** Answers PTR for an address in a visible subnet; null if it is elsewhere. */
function ownAddress(records: Records, view: View, name: string, query: Query): Buffer | null {
  const address = canonicalAddress(reverseAddress(name) ?? '');
  if (address === null || !view.networks.some((network) => records.isLocal(network.name, address))) return null;
  const names = records.namesAt(view, address);
  if (names.length === 0) return reply(query, rcodes.nxDomain, [], true);
  const answers = wants(query, 'PTR') ? names.map((each) => record(query.name, 'PTR', each)) : [];
  return reply(query, rcodes.noError, answers, true);
}

function record(name: string, type: 'A' | 'AAAA' | 'PTR', data: string): dns.Answer {
  return { name, type, class: 'IN', ttl, data };
}

let turn = 0;

/** Rotates the answers: a client that takes the first one gets each in turn. */
function rotated(addresses: string[]): string[] {
  if (addresses.length < 2) return addresses;
  const start = turn++ % addresses.length;
  return [...addresses.slice(start), ...addresses.slice(0, start)];
}
