import type { Journal, KnownActor } from '../actors/journal.ts';
import { type ActorAddress, containerAddress, hostAddress, isOfKind } from '../core/actor-address.ts';
import { parseSubnet, type Subnet, subnetContains } from '../core/address.ts';
import { followsUplink } from '../core/network/definition.ts';
import { isCut, type OwnerMark, ownerMark } from '../core/object-names.ts';
import { isSameLink, type WayOut } from '../core/uplink.ts';
import type { Suspected } from '../kernel/watch/protocol.ts';
import type { HostAddress } from '../kernel/watch/suspects.ts';
import type { Post } from './post.ts';

/** Finds the actors whose objects may have changed, and lets each verify them. */
export class Suspicions {
  constructor(
    private readonly journal: Journal,
    private readonly post: Post,
  ) {}

  /** Processes notices of the watcher. */
  suspect({ all, owners, links, addresses }: Suspected): void {
    const suspected = new Set(all ? this.journal.actors().map(({ address }) => address) : this.#marked(owners));
    if (links.length > 0) for (const address of this.#usersOf(new Set(links))) suspected.add(address);
    for (const one of addresses) for (const address of this.#giversOf(one)) suspected.add(address);
    for (const address of suspected) this.post.suspect(address);
    if (links.length > 0 && this.#keepsLinksApart()) this.post.tell(hostAddress, { type: 'links.seen' });
  }

  /** A network's own objects may be missing: its members are not affected. */
  suspectNetworks(): void {
    for (const { address } of this.#networks(null)) this.post.suspect(address);
  }

  noteWayOut(way: WayOut, before: WayOut): void {
    this.post.tell(hostAddress, { type: 'uplink.changed', ...way, before });
    if (!isSameLink(way, before)) for (const address of this.#followers()) this.post.suspect(address);
  }

  /** Finds the owners of objects in the kernel. A shortened name belongs to a known actor, or to none. */
  #marked(marks: readonly OwnerMark[]): ActorAddress[] {
    if (!marks.some(isCut)) return [...marks];
    const known = new Map(this.journal.actors().map(({ address }) => [ownerMark(address), address]));
    return marks.map((mark) => known.get(mark) ?? mark);
  }

  /** Foreign links matter to the host only where netloom switched forwarding on. */
  #keepsLinksApart(): boolean {
    const context = this.journal.actor(hostAddress)?.context;
    return Object.values(context?.forwarding ?? {}).some(({ found }) => !found);
  }

  /** Lists networks that would give that address to a container although it is the host's now, or refuse it although it is free. */
  #giversOf({ address, owner, isGone }: HostAddress): ActorAddress[] {
    return this.#networks(owner).flatMap((network) => {
      const { definition, device } = network.record.context;
      if (!definition || !device) return [];
      // names may be answered at an address on a foreign bridge once it is no longer tentative
      if (device.names === null && device.addresses.includes(address) !== isGone) return [];
      const isNear = definition.subnets.some(({ subnet }) => subnetContains(parseSubnet(subnet) as Subnet, address));
      return isNear ? [network.address] : [];
    });
  }

  /** null: all of them */
  #networks(owner: OwnerMark | null): KnownActor<'network'>[] {
    if (owner === null) return this.journal.actorsOf('network');
    const [address = owner] = this.#marked([owner]);
    if (!isOfKind(address, 'network')) return [];
    const record = this.journal.actor(address);
    return record ? [{ address, record }] : [];
  }

  /** Lists networks whose bridge or parent has one of these names, and their members. */
  #usersOf(links: ReadonlySet<string>): ActorAddress[] {
    return this.journal.actorsOf('network').flatMap(({ address, record }) => {
      const { definition, device, leases } = record.context;
      const link = definition?.network_interface ?? device?.name;
      return link && links.has(link) ? [address, ...Object.keys(leases).map(containerAddress)] : [];
    });
  }

  /** Lists networks that are up and whose next containers depend on the default route. */
  #followers(): ActorAddress[] {
    return this.journal.actorsOf('network').flatMap(({ address, record }) => {
      const { definition, device } = record.context;
      return definition && device && followsUplink(definition) ? [address] : [];
    });
  }
}
