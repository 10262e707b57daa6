import { containerAddress, hostAddress } from '../core/actor-address.ts';
import { entryOf } from '../core/entry.ts';
import { fault, NetloomError } from '../core/fault.ts';
import { hostEndName } from '../core/object-names.ts';
import type { PublishedPort } from '../core/port.ts';
import type { ContainerStatistics, ContainerView, DroppedFrames, NetworkView } from '../core/view.ts';
import type { JournalViews } from './journal-views.ts';
import type { Workers } from './pool.ts';

/** Counters of the kernel, by the names of containers and networks. */
export class Counters {
  constructor(
    private readonly views: JournalViews,
    private readonly workers: Pick<Workers, 'call' | 'home'>,
  ) {}

  async statistics(id: string): Promise<ContainerStatistics> {
    const { container } = this.views.container(id);
    const { netns } = container;
    if (!netns) throw new NetloomError(fault('container.state', `the network of container ${id} is not set up`));
    const { ports } = this.views.ownerOfNetns(container);
    const home = this.workers.home(containerAddress(id));
    const counted = await this.workers.call(home, 'statistics', { netnsPath: netns.path, ports });
    return {
      id,
      interfaces: counted.interfaces,
      ports: counted.ports.map((traffic, index) => ({ ...(ports[index] as PublishedPort), ...traffic })),
    };
  }

  /** B14: reads the dropped frames of a running container, by network. */
  async droppedOf({ id, netns, attachments }: ContainerView): Promise<DroppedFrames> {
    if (netns === null) return {};
    return this.#dropped(attachments.map((attachment) => [attachment.network, hostEndName(id, attachment)]));
  }

  /** Reads the same counters of a network, by container. */
  droppedOn({ name, leases }: NetworkView): Promise<DroppedFrames> {
    return this.#dropped(Object.keys(leases).map((id) => [id, hostEndName(id, this.#attachmentOf(id, name))]));
  }

  #attachmentOf(id: string, network: string): { network: string; hostInterfaceName?: string } {
    const attachments = this.views.knownWish(id)?.attachments ?? [];
    return attachments.find((attachment) => attachment.network === network) ?? { network };
  }

  async #dropped(links: (readonly [key: string, link: string])[]): Promise<DroppedFrames> {
    if (links.length === 0) return {};
    const counted = await this.workers.call(this.workers.home(hostAddress), 'dropped', null);
    return Object.fromEntries(
      links.flatMap(([key, link]) => {
        const traffic = entryOf(counted, link);
        return traffic ? [[key, traffic]] : [];
      }),
    );
  }
}
