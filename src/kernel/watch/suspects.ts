import type { LinkInfo, NftNotice, RouteNotice } from '#native';
import { hostAddress, isOfKind } from '../../core/actor-address.ts';
import { withoutPrefixLength } from '../../core/address.ts';
import { nftTable } from '../../core/firewall/nft.ts';
import { isHostEnd, type OwnerMark, ownerNamed, ownerOfAlias } from '../../core/object-names.ts';
import { mayLeadOut } from '../../core/uplink.ts';

/** Everything that may have drifted, according to the notices of one moment. */
export interface Suspects {
  /** everything: notices were lost */
  all: boolean;
  owners: ReadonlySet<OwnerMark>;
  /** numbers of namespaces in which something has changed: the kernel knows their owners */
  namespaces: ReadonlySet<number>;
  /** names of links of this host without an owner that came, went or were set down: a parent, a foreign bridge */
  links: ReadonlySet<string>;
  /** containers whose link has left a bridge, and that bridge */
  unplugged: readonly { owner: OwnerMark; bridge: KnownLink }[];
  /** addresses that this host gained or lost, with the link's owner: a network gives none of them to a container */
  addresses: readonly HostAddress[];
  /** an address, an external route, or a link of this host has come, gone or changed */
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

/** Settings of a bridge that another program can change without a notice from the kernel. */
export type BridgeReading = Pick<LinkInfo, 'index' | 'ipv4Configuration' | 'ipv6Configuration'>;

type LinkNotice = Extract<RouteNotice, { kind: 'link.changed' | 'link.deleted' }>;

/**
 * Turns notices into suspicions about owners. It need not know what caused a notice: a suspected owner compares the kernel's
 * state with the wanted one. Something new raises no suspicion, except a link that an actor may wait for.
 */
export class Suspicions {
  readonly #links = new Map<number, KnownLink>();
  /** of netloom's bridges, as last read */
  readonly #settings = new Map<number, string>();
  /** whether the kernel has reported a change of one of them since */
  #areSettingsStale = false;
  #suspects = noSuspects();
  /** owners of elements, while their tables are being checked */
  #heldBack = new Set<OwnerMark>();

  /** Records the links that exist when the watch starts. */
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

  /** Checks whether there is a bridge whose settings another program could change. */
  get hasBridges(): boolean {
    for (const { owner, masterIndex } of this.#links.values())
      if (masterIndex === null && owner !== null && isOfKind(owner, 'network')) return true;
    return false;
  }

  /** Checks whether the kernel has reported a changed setting since the last read. */
  get areSettingsStale(): boolean {
    return this.#areSettingsStale;
  }

  /**
   * Compares the settings of netloom's bridges with those last read. After netloom's own changes, the owner finds all in order.
   * Returns whether an owner is suspected.
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
      // the original settings of a new bridge are not known: its owner checks once
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

  /** Returns all suspects since the last call; null without any. */
  take(): Suspects | null {
    const suspects = this.#suspects;
    this.#suspects = noSuspects();
    // the host notifies owners of elements if the table had to be made again; if not, they check a moment later
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
          address: withoutPrefixLength(notice.address),
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
        // a setting of the host
        if (typeof notice.linkIndex !== 'number' && notice.forwarding === false) this.#suspects.owners.add(hostAddress);
    }
  }

  /** Notes an address or a route: on netloom's link it is netloom's, on another it may be this host's uplink. */
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
      // netloom's veth without an owner is still being made
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

function noSuspects() {
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

const losses: ReadonlySet<RouteNotice['kind']> = new Set(['link.deleted', 'address.deleted', 'route.deleted']);

function isLoss(notice: Exclude<RouteNotice, { kind: 'overrun' }>): boolean {
  return notice.kind === 'link.changed' ? notice.wentDown : losses.has(notice.kind);
}
