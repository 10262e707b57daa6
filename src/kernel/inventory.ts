import { readdirSync } from 'node:fs';
import * as native from '#native';
import { isOfKind } from '../core/actor-address.ts';
import { addressToBigint, bigintToAddress, familyOf } from '../core/address.ts';
import { decodeElement } from '../core/firewall/encoding.ts';
import {
  type Element,
  type NftFamily,
  type NftSet,
  nftFamilies,
  nftFamily,
  nftSets,
  nftTable,
} from '../core/firewall/nft.ts';
import type { Inventory, InventoryLink } from '../core/gc.ts';
import { isHostEnd, isMadeBridge, ownerNamed, ownerOfAlias, ownerOfPin } from '../core/object-names.ts';

/** Lists everything in the kernel with a name of netloom's. Throws SystemError. */
export function inventory(route: native.RouteSocket, nft: native.NftSocket, netnsDirectory: string): Inventory {
  const namespaces = readdirSync(netnsDirectory).flatMap((entry) => {
    const owner = ownerOfPin(entry);
    return owner === null ? [] : [{ path: `${netnsDirectory}/${entry}`, owner }];
  });
  const numbers = new Set(namespaces.map(({ path }) => numberOf(route, path)));
  return { namespaces, links: linksOf(route, numbers), elements: elementsOf(nft) };
}

function numberOf(route: native.RouteSocket, path: string): number | null {
  try {
    return native.netnsIdOf(route, path);
  } catch {
    // a pin without a mount has no namespace
    return null;
  }
}

function linksOf(route: native.RouteSocket, pinned: ReadonlySet<number | null>): InventoryLink[] {
  const links = native.listLinks(route);
  return links.flatMap((link) => {
    const { name, kind, alias, index, peerIndex, peerNetnsId } = link;
    const owner = alias === null ? null : ownerOfAlias(alias);
    const isVeth = kind === 'veth' && ((owner !== null && isOfKind(owner, 'container')) || isHostEnd(link));
    const isBridge = kind === 'bridge' && owner !== null && isOfKind(owner, 'network') && isMadeBridge(link, owner);
    if (!isVeth && !isBridge) return [];
    const ports = links.filter(({ masterIndex }) => masterIndex === index).map((port) => port.name);
    const peer = !isVeth || peerIndex === null ? null : whereIs(peerNetnsId, pinned);
    return [{ name, kind, owner, peer, ports }];
  });
}

const whereIs = (netnsId: number | null, pinned: ReadonlySet<number | null>): InventoryLink['peer'] =>
  netnsId === null ? 'host' : pinned.has(netnsId) ? 'pinned' : 'elsewhere';

/** Lists the elements of both tables that name an owner. */
export function elementsOf(nft: native.NftSocket): Element[] {
  const isThere = (family: NftFamily) => {
    const sets = new Set(native.inspectTable(nft, nftTable, family)?.sets ?? []);
    return (set: NftSet) => nftFamily(set) === family && sets.has(set);
  };
  return nftFamilies
    .flatMap((family) => (Object.keys(nftSets) as NftSet[]).filter(isThere(family)))
    .flatMap((set) => {
      const listed = native.listElements(nft, nftTable, set, nftFamily(set));
      const decoded = listed.filter(({ intervalEnd }) => !intervalEnd).map((each) => decodeElement(set, each));
      return isPlainInterval(set) ? withEnds(decoded, listed, set) : decoded;
    })
    .filter(({ owner }) => owner !== null && ownerNamed(owner) !== null);
}

function isPlainInterval(set: NftSet): boolean {
  const layout: { key: readonly string[]; interval?: boolean } = nftSets[set];
  return layout.key.length === 1 && layout.interval === true;
}

/** Joins the two elements that the kernel lists for an interval: its start and its exclusive end. */
function withEnds(starts: readonly Element[], listed: readonly native.NftElement[], set: NftSet): Element[] {
  const numberAt = (element: Element) => addressToBigint(element.key[0] as string);
  const ends = listed
    .filter(({ intervalEnd }) => intervalEnd)
    .map((each) => numberAt(decodeElement(set, each)))
    .sort((one, other) => (one < other ? -1 : 1));
  return starts.map((start) => {
    const from = numberAt(start);
    const family = familyOf(start.key[0] as string);
    const width = family === 4 ? 32 : 128;
    const end = ends.find((each) => each > from) ?? 1n << BigInt(width);
    const length = width - ((end - from).toString(2).length - 1);
    return { ...start, key: [`${bigintToAddress(from, family)}/${length}`] };
  });
}
