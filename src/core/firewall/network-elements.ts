import { networkAddress } from '../actor-address.ts';
import { familyOf } from '../address.ts';
import type { NetworkDefinition } from '../network/definition.ts';
import type { Isolation } from '../network/options.ts';
import { networkSettings } from '../network/options.ts';
import { ownerMark } from '../object-names.ts';
import type { Element, NftSet, Unowned } from './nft.ts';

/** The elements of a network. */

/** The firewall's data about a network. */
export interface NetworkFirewall {
  name: string;
  /** its bridge */
  link: string;
  subnets: readonly string[];
  internal: boolean;
  isolate: Isolation;
  /** other machines may open connections to the addresses of its containers */
  open: boolean;
  /** source address of its containers outside; null: that of the link that the packet leaves by */
  outbound4: string | null;
  outbound6: string | null;
}

type Guarded = Pick<
  NetworkDefinition,
  'name' | 'driver' | 'network_interface' | 'subnets' | 'internal' | 'options' | 'firewall'
>;

/**
 * Derives them from a definition. isolate `true`: no traffic to or from other isolated networks; `strict`: none to or from any
 * other network.
 */
export function networkFirewall(definition: Guarded): NetworkFirewall {
  if (definition.firewall === 'none') return noFirewall(definition);
  const { isolate, inbound, outbound4, outbound6 } = networkSettings(definition);
  return {
    name: definition.name,
    link: definition.network_interface ?? '',
    subnets: definition.subnets.map(({ subnet }) => subnet),
    internal: definition.internal,
    isolate,
    open: inbound === 'open',
    outbound4,
    outbound6,
  };
}

/** Accepts everything that passes its bridge: a foreign firewall cannot allow what netloom's own rules for foreign links drop. */
function noFirewall({ name, network_interface: link }: Guarded): NetworkFirewall {
  const closed = { internal: false, isolate: 'none', outbound4: null, outbound6: null } as const;
  return { name, link: link ?? '', subnets: [], open: true, ...closed };
}

/** Returns the elements of a whole network: its inner traffic, its isolation, and its outside address. */
export function networkElements(firewall: NetworkFirewall): Element[] {
  const owner = ownerMark(networkAddress(firewall.name));
  return [...withinElements(firewall), ...barrierElements(firewall), ...outboundElements(firewall)].map((element) => ({
    ...element,
    owner,
  }));
}

/** Returns elements that make all its subnets neighbours, and let pass what stays on its bridge. */
function withinElements({ subnets, link }: NetworkFirewall): Unowned[] {
  const neighbours = subnets.flatMap((from) =>
    subnets
      .filter((to) => familyOf(to) === familyOf(from))
      .map((to): Unowned => ({ set: `same_network${familyOf(from)}`, key: [from, to] })),
  );
  return [...neighbours, { set: 'same_link', key: [link, link] }];
}

function barrierElements({ link, internal, isolate, open }: NetworkFirewall): Unowned[] {
  const sets: NftSet[] = ['network_links'];
  if (isolate !== 'none') sets.push('isolated_links');
  if (isolate === 'strict') sets.push('strict_links');
  if (internal) sets.push('internal_links');
  if (open) sets.push('open_links');
  return sets.map((set) => ({ set, key: [link] }));
}

function outboundElements({ subnets, internal, outbound4, outbound6 }: NetworkFirewall): Unowned[] {
  if (internal) return [];
  const outbound = { 4: outbound4, 6: outbound6 };
  return subnets.flatMap((subnet): Unowned[] => {
    const family = familyOf(subnet);
    const address = outbound[family];
    return address === null
      ? [{ set: `subnets${family}`, key: [subnet] }]
      : [{ set: `outbound${family}`, key: [subnet], value: [address] }];
  });
}

/** Returns the elements that lead port 53 of a network's gateways to where its resolver listens. */
export function resolverElements(network: string, ports: Readonly<Record<string, number>>): Element[] {
  return Object.entries(ports).map(([gateway, port]) => ({
    set: `resolver${familyOf(gateway)}`,
    key: [gateway],
    value: [gateway, `${port}`],
    owner: ownerMark(networkAddress(network)),
  }));
}
