import type { ContainerContext } from '../../machines/container/chart.ts';
import { netnsOwnerOf } from '../../machines/container/context.ts';
import { containerSettingsView, containerView } from '../../machines/container/view.ts';
import { type HostView, hostView } from '../../machines/host/view.ts';
import type { NetworkContext } from '../../machines/network/chart.ts';
import { networkSettingsView, networkView } from '../../machines/network/view.ts';
import { dhcpAddresses } from '../actors/held-addresses.ts';
import type { ActorRecord, Journal } from '../actors/journal.ts';
import type { ContainerInspection } from '../contract/container-replies.ts';
import type { NetworkInspection } from '../contract/network-replies.ts';
import { containerAddress, hostAddress, networkAddress } from '../core/actor-address.ts';
import type { PortLedger } from '../core/claims.ts';
import { resolveContainerId } from '../core/container/reference.ts';
import type { ContainerWish } from '../core/container/wish.ts';
import { fault, NetloomError } from '../core/fault.ts';
import { type DamagedDefinition, damagedText, networkOfFile } from '../core/network/check.ts';
import { answersNames } from '../core/network/definition.ts';
import { networkSettingsOf } from '../core/network/podman-inspect.ts';
import { resolveNetworkName } from '../core/network/reference.ts';
import type { AsOf, ContainerView, NetworkView } from '../core/view.ts';
import type { KnownLease } from '../resolver/protocol.ts';

/** The progress of the event stream. */
export interface StreamProgress {
  position(): { sequence: number; streamSequence: number | null };
}

/** Views read from the journal without asking an actor; each is of one instant. */
export class JournalViews {
  /** null: not served yet */
  #stream: StreamProgress | null = null;

  constructor(
    private readonly journal: Journal,
    private readonly networksDirectory: string,
    /** files of networks that cannot be read */
    private readonly damaged: () => readonly DamagedDefinition[] = () => [],
  ) {}

  serve(stream: StreamProgress): void {
    this.#stream = stream;
  }

  containers(): { containers: ContainerView[] } & AsOf {
    const { read, ...asOf } = this.#asOf(() =>
      this.journal.actorsOf('container').flatMap(({ record }) => this.#currentView(record) ?? []),
    );
    return { containers: read, ...asOf };
  }

  container(id: string): { container: ContainerView } & AsOf {
    const { read, ...asOf } = this.#asOf(() => this.#known(id));
    return { container: read.container, ...asOf };
  }

  #known(id: string): { container: ContainerView; context: ContainerContext } {
    const record = this.journal.actor(containerAddress(id));
    const container = record && this.#currentView(record);
    if (!container) throw new NetloomError(fault('container.unknown', `no container ${id}`));
    return { container, context: record.context };
  }

  wishOf(id: string): ContainerWish {
    const wish = this.knownWish(id);
    if (!wish) throw new NetloomError(fault('container.unknown', `no container ${id}`));
    return wish;
  }

  knownWish(id: string): ContainerWish | null {
    return this.journal.actor(containerAddress(id))?.context.wish ?? null;
  }

  /** Shows a container that shares another's namespace with the current networks of that one, not with those at its set-up. */
  #currentView(record: ActorRecord<'container'>): ContainerView | null {
    const container = viewOfContainer(record);
    if (!container) return null;
    const owner = this.#ownerOfNetns(container, record.context);
    return owner === container ? container : { ...container, status: owner.status };
  }

  containerNamed(reference: string): string {
    // usually it is the ID
    if (this.journal.exists(containerAddress(reference))) return reference;
    const known = this.journal.actorsOf('container').flatMap(({ record }) => {
      const { wish } = record.context;
      return wish ? { id: wish.id, name: wish.name } : [];
    });
    const id = resolveContainerId(known, reference);
    if (typeof id !== 'string') throw new NetloomError(id);
    return id;
  }

  inspect(id: string): ContainerInspection {
    const { read, ...asOf } = this.#asOf(() => {
      const { container, context } = this.#known(id);
      const owner = this.#ownerOfNetns(container, context);
      const networks = owner.attachments.flatMap(({ network }) => this.networkContext(network)?.definition ?? []);
      const settings = containerSettingsView(context);
      return { container, settings, NetworkSettings: networkSettingsOf(owner, networks) };
    });
    const { container, settings, NetworkSettings } = read;
    if ('code' in NetworkSettings) throw new NetloomError(NetworkSettings);
    return { container, NetworkSettings, settings, ...asOf };
  }

  /**
   * B04: finds the owner of a container's namespace, through any container that shares it: the container is on the owner's networks
   * while the namespace is up. If the owner is gone, or has another namespace now, the container is on none.
   */
  ownerOfNetns(container: ContainerView): ContainerView {
    const record = this.journal.actor(containerAddress(container.id));
    return record ? this.#ownerOfNetns(container, record.context) : container;
  }

  #ownerOfNetns(container: ContainerView, context: ContainerContext): ContainerView {
    const { netns } = container;
    if (!netns) return container;
    const seen = new Set([containerAddress(container.id)]);
    let owner = { container, context };
    for (;;) {
      const address = netnsOwnerOf(owner.context);
      if (address === null || seen.has(address)) return owner.container;
      seen.add(address);
      const record = this.journal.actor(address);
      const next = record && viewOfContainer(record);
      if (!next || next.netns?.inode !== netns.inode) return { ...container, status: {} };
      owner = { container: next, context: record.context };
    }
  }

  /** Returns the record of a network's actor, defined or not; null without such an actor. */
  networkContext(name: string): NetworkContext | null {
    return this.journal.actor(networkAddress(name))?.context ?? null;
  }

  networks(): { networks: NetworkView[]; damaged: DamagedDefinition[] } & AsOf {
    const { read: networks, ...asOf } = this.#asOf(() =>
      this.journal.actorsOf('network').flatMap(({ record }) => this.#networkView(record) ?? []),
    );
    const damaged = this.damaged().map(({ file, reason }) => ({ file, reason }));
    return { damaged, networks, ...asOf };
  }

  network(reference: string): NetworkInspection {
    const name = this.networkNamed(reference);
    const { read, ...asOf } = this.#asOf(() => {
      const record = this.journal.actor(networkAddress(name));
      const network = record && this.#networkView(record);
      return network && { network, settings: networkSettingsView(record.context) };
    });
    if (!read) throw new NetloomError(fault('network.unknown', `no network ${name}`));
    return { ...read, ...asOf };
  }

  /** Adds addresses from DHCP servers, which are not in the network's own record (C13). */
  #networkView(record: ActorRecord<'network'>): NetworkView | null {
    const network = viewOfNetwork(record);
    if (network?.ipam_options.driver !== 'dhcp') return network;
    const given = dhcpAddresses(this.journal);
    const leases = Object.keys(network.leases).map((id) => [id, given(id, network.name)]);
    return { ...network, leases: Object.fromEntries(leases) };
  }

  networkNamed(reference: string): string {
    // usually it is the name
    if (this.journal.exists(networkAddress(reference))) return reference;
    const known = this.journal.actorsOf('network').flatMap(({ record }) => viewOfNetwork(record) ?? []);
    const damaged = this.damaged().find(({ file }) => networkOfFile(file) === reference);
    if (damaged) {
      const path = `${this.networksDirectory}/${damaged.file}`;
      throw new NetloomError(fault('network.damaged', damagedText(path, damaged.reason)));
    }
    const name = resolveNetworkName(known, reference);
    if (typeof name !== 'string') throw new NetloomError(name);
    return name;
  }

  portLedger(): PortLedger {
    return this.host().ports;
  }

  host(): HostView {
    return hostView(this.journal.actor(hostAddress)?.context ?? null);
  }

  #asOf<T>(read: () => T): { read: T } & AsOf {
    const streamSequence = this.#stream?.position().streamSequence ?? null;
    return { ...this.journal.asOf(read), streamSequence };
  }
}

function viewOfContainer({ value, context }: ActorRecord<'container'>): ContainerView | null {
  return containerView(value, context);
}

function viewOfNetwork({ value, context }: ActorRecord<'network'>): NetworkView | null {
  return networkView(value, context);
}

/** Lists containers and their addresses on the networks with a resolver. */
export function namedLeases(journal: Journal): KnownLease[] {
  return journal.actorsOf('network').flatMap(({ record }) => {
    const { definition, leases } = record.context;
    if (!definition || !answersNames(definition)) return [];
    const network = definition.name;
    return Object.entries(leases).map(([container, addresses]) => ({ network, container, addresses: [...addresses] }));
  });
}
