import type { HostContext } from '../../machines/host/chart.ts';
import type { NetworkContext } from '../../machines/network/chart.ts';
import type { ActorRecord, Journal } from '../actors/journal.ts';
import { type ActorAddress, actorKind, containerAddress, hostAddress } from '../core/actor-address.ts';
import { parseSubnet, type Subnet, subnetContains } from '../core/address.ts';
import { isCut, type OwnerMark, ownerMark } from '../core/names.ts';
import { followsUplink } from '../core/network/definition.ts';
import { isSameLink, type WayOut } from '../core/way-out.ts';
import type { Suspected } from '../kernel/watch/protocol.ts';
import type { HostAddress } from '../kernel/watch/suspects.ts';
import type { Post } from './post.ts';

/** Finds the actors that have reason to look whether all of theirs is as it should be, and lets each of them look. */
export class Suspicions {
  constructor(
    private readonly journal: Journal,
    private readonly post: Post,
  ) {}

  /** What the watcher has heard from the kernel. */
  suspect({ all, owners, links, addresses }: Suspected): void {
    const suspected = new Set(all ? this.journal.actors().map(({ address }) => address) : this.#marked(owners));
    if (links.length > 0) for (const address of this.#usersOf(new Set(links))) suspected.add(address);
    for (const one of addresses) for (const address of this.#giversOf(one)) suspected.add(address);
    for (const address of suspected) this.post.suspect(address);
    if (links.length > 0 && this.#keepsLinksApart()) this.post.tell(hostAddress, { type: 'links.seen' });
  }

  /** What is the networks' alone may be missing: their members have no part in it. */
  suspectNetworks(): void {
    for (const { address } of this.#networks(null)) this.post.suspect(address);
  }

  noteWayOut(way: WayOut, before: WayOut): void {
    this.post.tell(hostAddress, { type: 'uplink.changed', ...way, before });
    if (!isSameLink(way, before)) for (const address of this.#followers()) this.post.suspect(address);
  }

  /** The owners of objects in the kernel. A name that is cut there is that of a known actor, or of none any more. */
  #marked(marks: readonly OwnerMark[]): ActorAddress[] {
    if (!marks.some(isCut)) return [...marks];
    const known = new Map(this.journal.actors().map(({ address }) => [ownerMark(address), address]));
    return marks.map((mark) => known.get(mark) ?? mark);
  }

  /** Links of others matter to the host only where netloom switched forwarding on. */
  #keepsLinksApart(): boolean {
    const context = this.journal.actor(hostAddress)?.context as HostContext | undefined;
    return Object.values(context?.forwarding ?? {}).some(({ found }) => !found);
  }

  /** Networks that would give that address to a container, though it is this host's now, or that would not, though it is free. */
  #giversOf({ address, owner, isGone }: HostAddress): ActorAddress[] {
    return this.#networks(owner).flatMap((network) => {
      const { definition, device } = network.record.context as NetworkContext;
      if (!definition || !device) return [];
      // on a bridge of others names may be answered at it, from when it is not tentative any more
      if (device.names === null && device.addresses.includes(address) !== isGone) return [];
      const isNear = definition.subnets.some(({ subnet }) => subnetContains(parseSubnet(subnet) as Subnet, address));
      return isNear ? [network.address] : [];
    });
  }

  /** null: all of them */
  #networks(owner: OwnerMark | null): { address: ActorAddress; record: ActorRecord }[] {
    if (owner === null) return this.journal.actors('network/');
    const [address = owner] = this.#marked([owner]);
    const record = actorKind(address) === 'network' ? this.journal.actor(address) : null;
    return record ? [{ address, record }] : [];
  }

  /** Networks whose bridge or parent has one of these names, and their members. */
  #usersOf(links: ReadonlySet<string>): ActorAddress[] {
    return this.journal.actors('network/').flatMap(({ address, record }) => {
      const { definition, device, leases } = record.context as NetworkContext;
      const link = definition?.network_interface ?? device?.name;
      return link && links.has(link) ? [address, ...Object.keys(leases).map(containerAddress)] : [];
    });
  }

  /** Networks that are up and whose next containers depend on the way out. */
  #followers(): ActorAddress[] {
    return this.journal.actors('network/').flatMap(({ address, record }) => {
      const { definition, device } = record.context as NetworkContext;
      return definition && device && followsUplink(definition) ? [address] : [];
    });
  }
}
