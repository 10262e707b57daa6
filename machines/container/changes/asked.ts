import type { ContainerEvent } from '../../../src/core/actor-event.ts';
import { type Attachment, attachmentsBeside } from '../../../src/core/container/attachments.ts';
import { type GrantedPort, isAsked, isSamePort, type PublishedPort } from '../../../src/core/port.ts';
import { portsTogether } from '../../../src/core/served-ports.ts';
import { accepted } from '../../present.ts';
import { leavingNetworks, missingOf } from '../attaching.ts';
import { type Change, type ContainerContext, type Join, type Leave, wishOf } from '../context.ts';

/** The change that an event requests. */

/** Returns its ports as requested; while it is down, ports to be picked have no number. */
export const askedPorts = ({ wish, ports }: Pick<ContainerContext, 'wish' | 'ports'>): readonly GrantedPort[] =>
  ports.length > 0 ? ports : (wish?.ports ?? []);

/** Returns the change with everything that needs no claim. */
export function changeAskedFor(context: ContainerContext, event: ContainerEvent): Change {
  const { wish } = context;
  const published = askedPorts(context);
  switch (event.type) {
    case 'container.connect': {
      const { attachments, id } = wishOf(context);
      return join(accepted(attachmentsBeside(attachments, id, [event.attachment])), []);
    }
    case 'container.attach': {
      const { attachments, id } = wishOf(context);
      const missing = missingOf(context, event);
      return join(accepted(attachmentsBeside(attachments, id, missing.networks)), newPorts(published, missing.ports));
    }
    case 'container.detach':
      return leave(leavingNetworks(context, event), [], { isDetach: true });
    case 'network.leave':
      return leave([event.network], [], { askedBy: event.network });
    case 'container.disconnect':
      return leave([event.network], []);
    case 'container.publish':
      return join([], newPorts(published, event.ports));
    case 'container.unpublish':
      return leave(
        [],
        portsNamed(wish?.ports ?? [], published, event.ports).flatMap((ports) => ports ?? []),
      );
    case 'dhcp.leased':
      return { kind: 'address', network: event.network, terms: event.terms, fault: null };
    case 'dhcp.lost':
      return { kind: 'address', network: event.network, terms: null, fault: event.fault };
    case 'ports.freed':
      return { kind: 'freed', ports: event.ports };
    case 'lease.changed':
      return { kind: 'spoofing', network: event.network, spoofing: event.spoofing };
    default:
      return { kind: 'reload' };
  }
}

export const join = (attachments: Attachment[], ports: PublishedPort[]): Join => ({
  kind: 'join',
  attachments,
  ports,
  wished: ports,
  unanswered: 0,
  terms: {},
  fault: null,
});

export const leave = (networks: string[], ports: GrantedPort[], more: Partial<Leave> = {}): Leave => ({
  kind: 'leave',
  networks,
  ports,
  askedBy: null,
  isDetach: false,
  ...more,
});

/** Returns the ports that are not requested yet; equal mappings count as one. */
const newPorts = (published: readonly PublishedPort[], asked: readonly PublishedPort[]): PublishedPort[] =>
  asked.filter((port) => !isAsked(published, port));

/** Checks whether all ports to publish were requested before. */
export function asksNothingNew(context: ContainerContext, event: ContainerEvent): boolean {
  return event.type === 'container.publish' && newPorts(askedPorts(context), event.ports).length === 0;
}

/**
 * Finds the published ports for each requested one, which may have the form of a view; null: none. A picked port matches by its
 * number, and by the 0 of its request. `ports` are in the order of the wish.
 */
export function portsNamed(
  wished: readonly PublishedPort[],
  ports: readonly PublishedPort[],
  asked: readonly PublishedPort[],
): (PublishedPort[] | null)[] {
  const left = new Map(ports.map((port, index) => [port, wished[index]]));
  return asked.map((one) => {
    const [exact] =
      [...left].findLast(([port, wish]) => isSamePort(port, one) || (wish && isSamePort(wish, one))) ?? [];
    const named = exact ? [exact] : portsTogether([...left.keys()], one);
    for (const port of named ?? []) left.delete(port);
    return named;
  });
}
