/**
 * The elements of the tables `inet netloom` and `bridge netloom`: everything in them that changes. The chains and rules are
 * static (native/nft/base.nft). An element is readable plain data here; `encodeElement` returns the kernel's bytes.
 */
export const nftTable = 'netloom';

export const nftFamilies = ['inet', 'bridge'] as const;

export type NftFamily = (typeof nftFamilies)[number];

export type Field = 'direction' | 'proto' | 'address4' | 'address6' | 'port' | 'ifname' | 'family' | 'mac';

export interface Layout {
  key: Field[];
  value?: Field[];
  interval?: boolean;
  /** family of the table that has the set; default: inet */
  family?: NftFamily;
}

/** The sets and maps that base.nft declares; both must agree. */
export const nftSets = {
  published_any4: { key: ['proto', 'port'], value: ['address4', 'port'] },
  published_any6: { key: ['proto', 'port'], value: ['address6', 'port'] },
  published_host4: { key: ['proto', 'address4', 'port'], value: ['address4', 'port'] },
  published_host6: { key: ['proto', 'address6', 'port'], value: ['address6', 'port'] },
  published_range4: { key: ['proto', 'address4', 'port'], value: ['address4'], interval: true },
  published_range6: { key: ['proto', 'address6', 'port'], value: ['address6'], interval: true },
  resolver4: { key: ['address4'], value: ['address4', 'port'] },
  resolver6: { key: ['address6'], value: ['address6', 'port'] },
  counted_any4: { key: ['direction', 'proto', 'port'] },
  counted_any6: { key: ['direction', 'proto', 'port'] },
  counted_host4: { key: ['direction', 'proto', 'address4', 'port'] },
  counted_host6: { key: ['direction', 'proto', 'address6', 'port'] },
  counted_range4: { key: ['direction', 'proto', 'address4', 'port'], interval: true },
  counted_range6: { key: ['direction', 'proto', 'address6', 'port'], interval: true },
  refused_loopback6: { key: ['proto', 'port'] },
  refused_loopback_range6: { key: ['proto', 'port'], interval: true },
  subnets4: { key: ['address4'], interval: true },
  subnets6: { key: ['address6'], interval: true },
  outbound4: { key: ['address4'], value: ['address4'], interval: true },
  outbound6: { key: ['address6'], value: ['address6'], interval: true },
  same_network4: { key: ['address4', 'address4'], interval: true },
  same_network6: { key: ['address6', 'address6'], interval: true },
  network_links: { key: ['ifname'] },
  same_link: { key: ['ifname', 'ifname'] },
  isolated_links: { key: ['ifname'] },
  strict_links: { key: ['ifname'] },
  internal_links: { key: ['ifname'] },
  open_links: { key: ['ifname'] },
  closed_families: { key: ['family'] },
  sources4: { family: 'bridge', key: ['ifname', 'mac', 'address4'] },
  sources6: { family: 'bridge', key: ['ifname', 'mac', 'address6'] },
  leased_macs: { family: 'bridge', key: ['ifname', 'mac'] },
  free_macs: { family: 'bridge', key: ['ifname', 'mac'] },
  held_links: { family: 'bridge', key: ['ifname'] },
} as const satisfies Record<string, Layout>;

export type NftSet = keyof typeof nftSets;

/** Returns the family of the table that has the set. */
export function nftFamily(set: NftSet): NftFamily {
  const layout: Layout = nftSets[set];
  return layout.family ?? 'inet';
}

/** An element. `key` and `value` are spelt as in nft: `tcp`, `10.89.0.0/24`, `8000-8010`, `netloom0`, `original`. */
export interface Element {
  set: NftSet;
  key: string[];
  value?: string[];
  /**
   * an owner's mark, `container/<id>` or `network/<name>`: the element's comment in the kernel. Names the owner, and is not part
   * of the element's identity
   */
  owner: string | null;
}

export function describeElement({ set, key, value }: Omit<Element, 'owner'>): string {
  return `${set} { ${key.join(' . ')}${value ? ` : ${value.join(' . ')}` : ''} }`;
}

/** Returns what identifies an element: the set and the key. */
export function elementIdentity({ set, key }: Pick<Element, 'set' | 'key'>): string {
  return describeElement({ set, key });
}

export type Unowned = Omit<Element, 'owner'>;
