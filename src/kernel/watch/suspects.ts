import type { LinkInfo, NftNotice, RouteNotice } from '#native';
import { hostAddress } from '../../core/actor-address.ts';
import { nftTable } from '../../core/firewall/nft.ts';
import { isHostEnd, type OwnerMark, ownerNamed, ownerOfAlias } from '../../core/names.ts';
import { mayLeadOut } from '../../core/way-out.ts';

/** What the notices of a moment say may not be any more as it was made. */
export interface Suspects {
  /** everything: notices were lost */
  all: boolean;
  owners: ReadonlySet<OwnerMark>;
  /** numbers of namespaces within which something has changed: whose they are is known to the kernel */
  namespaces: ReadonlySet<number>;
  /** names of links of this host that came, went or were set down, and do not say whose they are: a parent, somebody's bridge */
  links: ReadonlySet<string>;
  /** containers whose link has left a bridge, and that bridge */
  unplugged: readonly { owner: OwnerMark; bridge: KnownLink }[];
  /** addresses that came to this host, or went, and whose link it is: a network gives none of them to a container */
  addresses: readonly HostAddress[];
  /** an address, a route to the outside, or a link of this host has come, gone or changed */
  wayOut: boolean;
}

export interface HostAddress {
  address: string;
  owner: OwnerMark | null;
  isGone: boolean;
}

export interface KnownLink {
  index: number;
  name: string;
  owner: OwnerMark | null;
  masterIndex: number | null;
}

/** Of a bridge: what another program can change of it without a word from the kernel. */
export type BridgeReading = Pick<LinkInfo, 'index' | 'ipv4Configuration' | 'ipv6Configuration'>;

type LinkNotice = Extract<RouteNotice, { kind: 'link.changed' | 'link.deleted' }>;

/**
 * Turns notices into suspicions about owners. It does not know who caused a notice, and need not: who is suspected compares
 * what there is with what there should be. Notices of what is new are none, but for links that somebody may wait for.
 */
export class Suspicions {
  readonly #links = new Map<number, KnownLink>();
  /** of our bridges, as they were last read */
  readonly #settings = new Map<number, string>();
  /** whether the kernel has told of a setting of one of them since */
  #areSettingsStale = false;
  #suspects = nobody();
  /** owners of elements, while the tables that they are in are being looked at */
  #heldBack = new Set<OwnerMark>();

  /** The links that there are when the watch begins. */
  know(links: readonly { index: number; name: string; alias: string | null; masterIndex: number | null }[]): void {
    for (const link of links) this.#keep(link);
  }

  hearRoutes(notices: readonly RouteNotice[]): void {
    for (const notice of notices) {
      if (notice.kind === 'overrun') this.#suspects.all = true;
      else if (notice.netnsId === null) this.#hearOfHost(notice);
      else if (isLoss(notice)) this.#suspects.namespaces.add(notice.netnsId);
    }
  }

  /** Whether there is a bridge whose settings another program could change. */
  get hasBridges(): boolean {
    for (const { owner, masterIndex } of this.#links.values())
      if (masterIndex === null && owner?.startsWith('network/')) return true;
    return false;
  }

  /** Whether the kernel has told of a changed setting since they were last read. */
  get areSettingsStale(): boolean {
    return this.#areSettingsStale;
  }

  /**
   * Compares the settings of our bridges with what they were when they were last read. After netloom's own doing the owner
   * finds all in order. true: an owner is suspected.
   */
  hearSettings(readings: readonly BridgeReading[]): boolean {
    let isChanged = false;
    this.#areSettingsStale = false;
    for (const { index, ipv4Configuration, ipv6Configuration } of readings) {
      const owner = this.#links.get(index)?.owner;
      if (!owner) continue;
      const former = this.#settings.get(index);
      const found = JSON.stringify([ipv4Configuration, ipv6Configuration]);
      this.#settings.set(index, found);
      // of one that is new it is not known what it was made with: its owner looks once
      if (former === found) continue;
      this.#suspects.owners.add(owner);
      isChanged = true;
    }
    return isChanged;
  }

  hearNft(notices: readonly NftNotice[]): void {
    for (const notice of notices) {
      if (notice.kind === 'overrun') this.#suspects.all = true;
      else if (notice.table !== nftTable) continue;
      else if (notice.kind === 'element.deleted') this.#hearOfElement(notice.element.comment);
      else if (notice.kind !== 'element.added' && notice.kind !== 'set.added') this.#suspects.owners.add(hostAddress);
    }
  }

  /** All since the last call; null when nobody is suspected. */
  take(): Suspects | null {
    const suspects = this.#suspects;
    this.#suspects = nobody();
    // whoever has elements is told by the host when the table had to be made again; if not, a moment later
    if (suspects.owners.has(hostAddress)) {
      for (const owner of suspects.elements) this.#heldBack.add(owner);
    } else {
      for (const owner of [...this.#heldBack, ...suspects.elements]) suspects.owners.add(owner);
      this.#heldBack.clear();
    }
    const { all, owners, namespaces, links, unplugged, addresses, wayOut } = suspects;
    const count = owners.size + namespaces.size + links.size + unplugged.length + addresses.length;
    return all || wayOut || count > 0 ? { all, owners, namespaces, links, unplugged, addresses, wayOut } : null;
  }

  get hasHeldBack(): boolean {
    return this.#heldBack.size > 0;
  }

  #hearOfElement(comment: string | null): void {
    const owner = comment === null ? null : ownerNamed(comment);
    if (owner) this.#suspects.elements.add(owner);
  }

  #hearOfHost(notice: Exclude<RouteNotice, { kind: 'overrun' }>): void {
    switch (notice.kind) {
      case 'link.changed':
        this.#changed(notice);
        break;
      case 'link.deleted':
        this.#deleted(notice);
        break;
      case 'address.added':
      case 'address.deleted':
        this.#moved(notice.linkIndex, notice.kind === 'address.deleted', true);
        this.#suspects.addresses.push({
          address: notice.address.split('/')[0] as string,
          owner: this.#links.get(notice.linkIndex)?.owner ?? null,
          isGone: notice.kind === 'address.deleted',
        });
        break;
      case 'route.added':
      case 'route.deleted':
        this.#moved(notice.route.linkIndex, notice.kind === 'route.deleted', mayLeadOut(notice.route.destination));
        break;
      case 'netconf.changed':
        if (typeof notice.linkIndex === 'number' && this.#settings.has(notice.linkIndex)) this.#areSettingsStale = true;
        // this is the host's
        if (typeof notice.linkIndex !== 'number' && notice.forwarding === false) this.#suspects.owners.add(hostAddress);
    }
  }

  /** An address or a route; of a link of ours it is ours, of another it may be this host's way out. */
  #moved(linkIndex: number | null, isGone: boolean, mayLeadOut: boolean): void {
    const owner = linkIndex === null ? null : (this.#links.get(linkIndex)?.owner ?? null);
    if (owner && isGone) this.#suspects.owners.add(owner);
    if (!owner && mayLeadOut) this.#suspects.wayOut = true;
  }

  #changed(notice: LinkNotice): void {
    const before = this.#links.get(notice.index);
    const { owner, name } = this.#keep(notice);
    const isRenamed = before !== undefined && before.name !== name;
    if (owner === null) {
      // a veth of ours that does not say yet whose it is is being made
      const isNew = !before && !isHostEnd(notice);
      this.#suspects.wayOut ||= !isHostEnd(notice);
      if (isNew || isRenamed || notice.wentDown) this.#suspects.links.add(name);
      if (isRenamed) this.#suspects.links.add(before.name);
      return;
    }
    if (notice.wentDown || isRenamed) this.#suspects.owners.add(owner);
    if (before && before.masterIndex !== null && before.masterIndex !== notice.masterIndex)
      this.#unplugged(owner, before.masterIndex);
  }

  #unplugged(owner: OwnerMark, masterIndex: number): void {
    const bridge = this.#links.get(masterIndex);
    if (bridge) this.#suspects.unplugged.push({ owner, bridge });
    else this.#suspects.owners.add(owner);
  }

  #deleted(notice: LinkNotice): void {
    const { owner, name, index } = this.#keep(notice);
    this.#links.delete(index);
    this.#settings.delete(index);
    if (owner) this.#suspects.owners.add(owner);
    else if (!isHostEnd(notice)) this.#suspects.links.add(name);
  }

  #keep(link: { index: number; name: string; alias: string | null; masterIndex: number | null }): KnownLink {
    const owner = link.alias === null ? null : ownerOfAlias(link.alias);
    const known = { index: link.index, name: link.name, owner, masterIndex: link.masterIndex };
    this.#links.set(link.index, known);
    return known;
  }
}

function nobody() {
  return {
    all: false,
    owners: new Set<OwnerMark>(),
    elements: new Set<OwnerMark>(),
    namespaces: new Set<number>(),
    links: new Set<string>(),
    unplugged: [] as { owner: OwnerMark; bridge: KnownLink }[],
    addresses: [] as HostAddress[],
    wayOut: false,
  };
}

function isLoss(notice: Exclude<RouteNotice, { kind: 'overrun' }>): boolean {
  return notice.kind === 'link.changed' ? notice.wentDown : notice.kind.endsWith('.deleted');
}
