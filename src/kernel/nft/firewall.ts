import * as native from '#native';
import { decodeElement, encodeElement } from '../../core/firewall/encoding.ts';
import {
  describeElement,
  type Element,
  elementIdentity,
  type NftFamily,
  type NftSet,
  nftFamilies,
  nftFamily,
  nftTable,
} from '../../core/firewall/nft.ts';
import {
  type PortTraffic,
  portCounterKeys,
  portTraffic,
  type TrafficCounter,
} from '../../core/firewall/port-counters.ts';
import type { PublishedPort } from '../../core/port.ts';
import { attempts, systemFaultOf } from '../system-fault.ts';
import { freshRuleset, isComplete, repairedRuleset } from './base-ruleset.ts';

/** The tables `inet netloom` and `bridge netloom`: their ruleset, and the elements of their sets. */
export class Firewall {
  constructor(private readonly nft: native.NftSocket) {}

  /** Reads the traffic through published ports. */
  traffic(ports: readonly PublishedPort[]): PortTraffic[] {
    const sets = new Set(ports.flatMap(portCounterKeys).map(({ set }) => set));
    const counters = new Map(
      [...sets].flatMap((set) =>
        this.#listed(set).map((element) => [elementIdentity(decodeElement(set, element)), element.counter] as const),
      ),
    );
    return ports.map((port) => portTraffic(port, (identity) => counters.get(identity)));
  }

  /** Reads the dropped traffic of each held link: frames with neither its MAC nor an address of its lease. */
  dropped(): Record<string, TrafficCounter> {
    return Object.fromEntries(
      this.#listed('held_links').flatMap((element) => {
        const [link] = decodeElement('held_links', element).key;
        return link && element.counter ? [[link, element.counter] as const] : [];
      }),
    );
  }

  /** Lists a set; empty if another program removed the table, which netloom will restore. */
  #listed(set: NftSet): native.ListedElement[] {
    try {
      return native.listElements(this.nft, nftTable, set, nftFamily(set));
    } catch (error) {
      if (systemFaultOf(error, 'nft.list').errno === 'ENOENT') return [];
      throw error;
    }
  }

  /** Loads the ruleset. Elements stay, of another version's tables too, and no packet passes without rules. */
  load(): boolean {
    const inspect = (family: NftFamily) => native.inspectTable(this.nft, nftTable, family);
    const found = { inet: inspect('inet'), bridge: inspect('bridge') };
    const isWhole = (family: NftFamily) => found[family] !== null && isComplete(family, found[family]);
    if (nftFamilies.every(isWhole)) return false;
    if (!attempts(() => native.loadRuleset(repairedRuleset(found)))) native.loadRuleset(freshRuleset);
    return true;
  }

  /** Adds elements. If something was there already, adds only what is missing, so that the result shows whether anything was. */
  add(elements: readonly Element[], found: boolean): boolean {
    const missing = found ? elements.filter((element) => !this.#hasElement(element)) : elements;
    if (missing.length === 0) return false;
    this.change([], missing);
    return true;
  }

  /** Lists the elements of some sets (not of plain interval sets), of one owner or of all. */
  elements(sets: readonly NftSet[], owner: string | null = null): Element[] {
    const listed = sets.flatMap((set) => this.#listed(set).map((element) => decodeElement(set, element)));
    return owner === null ? listed : listed.filter((element) => element.owner === owner);
  }

  /** Makes these the owner's elements in some sets; leaves matching ones alone. Returns whether something was added or changed. */
  settle(sets: readonly NftSet[], owner: string, wanted: readonly Element[]): boolean {
    const listed = this.elements(sets);
    const texts = new Set(wanted.map(describeElement));
    const keys = new Set(wanted.map(elementKey));
    const kept = listed.filter((element) => element.owner === owner && texts.has(describeElement(element)));
    const stale = listed.filter(
      (element) => !kept.includes(element) && (element.owner === owner || keys.has(elementKey(element))),
    );
    const there = new Set(kept.map(describeElement));
    const missing = wanted.filter((element) => !there.has(describeElement(element)));
    this.change(stale, missing);
    return missing.length > 0;
  }

  #hasElement(element: Element): boolean {
    const parts = encodeElement(element);
    if (!parts.some(({ intervalEnd }) => intervalEnd))
      return native.hasElements(this.nft, nftTable, parts).every(Boolean);
    // the kernel does not find the end of an interval that begins where another ends; networks have these, which are few
    const there = this.#listed((parts[0] as native.NftElement).set as NftSet).map(keyText);
    return parts.every((part) => there.includes(keyText(part)));
  }

  /** Sends one batch. Deleting something already gone is success: such deletions are left out, and the rest is sent again. */
  change(remove: readonly Element[], add: readonly Element[]): void {
    let changes = [
      ...remove.flatMap(encodeElement).map((element) => ({ verb: 'delete' as const, element })),
      ...add.flatMap(encodeElement).map((element) => ({ verb: 'add' as const, element })),
    ];
    while (changes.length > 0) {
      const faults = native.changeElements(this.nft, nftTable, changes);
      const isGone = (index: number) => changes[index]?.verb === 'delete' && faults[index]?.errno === 'ENOENT';
      const refused = faults.find((fault, index) => fault && !isGone(index));
      if (refused) throw refused;
      if (!faults.some(Boolean)) return;
      changes = changes.filter((_, index) => !faults[index]);
    }
  }
}

const elementKey = ({ set, key }: Element): string => describeElement({ set, key });

/** Returns an element's key as the kernel keeps it, with its data: another target at the same key is another element. */
function keyText({ key, keyEnd, intervalEnd, data }: native.NftElement): string {
  const hex = (bytes: Uint8Array | null) => (bytes ? Buffer.from(bytes).toString('hex') : '');
  return `${hex(key)}-${hex(keyEnd)}-${intervalEnd}-${hex(data)}`;
}
