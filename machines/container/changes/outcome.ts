import { type Attachment, attachmentBeside } from '../../../src/core/container/attachments.ts';
import type { ContainerWish } from '../../../src/core/container/wish.ts';
import { entryOf } from '../../../src/core/entry.ts';
import { withTerms } from '../../../src/core/lease/lease.ts';
import type { ContainerGrant } from '../../../src/core/plan/container/grant.ts';
import { type GrantedPort, grantedFamilies, isSamePort, type PublishedPort } from '../../../src/core/port.ts';
import { accepted } from '../../present.ts';
import { type Change, type ContainerContext, grantOf, type Join } from '../context.ts';

/** Wish and grant after a change. */

type Wishes = Pick<ContainerContext, 'wish' | 'lasting'>;
type Leases = ContainerGrant['leases'];

/** Returns the wish with the change, and the lasting one with it, if a temporary one is in force. */
export function changedWishes(context: ContainerContext, change: Change | null): Wishes {
  const { wish, lasting } = context;
  return { wish: wish && changed(context, wish, change), lasting: lasting && changed(context, lasting, change) };
}

function changed({ ports }: ContainerContext, wish: ContainerWish, change: Change | null): ContainerWish {
  switch (change?.kind) {
    case 'join':
      return { ...change.attachments.reduce(withAttachment, wish), ports: [...wish.ports, ...change.wished] };
    case 'leave': {
      const kept = stillWished(wish.ports, ports, change.ports);
      return { ...wish, attachments: without(wish, change.networks), ports: kept };
    }
    default:
      return wish;
  }
}

/** Adds an attachment beside those of this wish. Its name and place may be taken there; then it gets others. */
function withAttachment(wish: ContainerWish, attachment: Attachment): ContainerWish {
  const rest = without(wish, [attachment.network]);
  const isFree = !rest.some(
    ({ interfaceName, slot }) => interfaceName === attachment.interfaceName || slot === attachment.slot,
  );
  const { interfaceName: _, slot: __, definition, hostInterfaceName, ...kept } = attachment;
  const isNameFree = !rest.some((other) => hostInterfaceName && other.hostInterfaceName === hostInterfaceName);
  if (isFree && isNameFree) return { ...wish, attachments: [...rest, attachment] };
  const asked = { ...kept, ...(isNameFree && hostInterfaceName && { hostInterfaceName }) };
  const beside = accepted(attachmentBeside(rest, wish.id, asked));
  return { ...wish, attachments: [...rest, { ...beside, ...(definition && { definition }) }] };
}

const without = ({ attachments }: ContainerWish, networks: readonly string[]): Attachment[] =>
  attachments.filter(({ network }) => !networks.includes(network));

/** Returns the wished ports without removed ones. Granted ports are in the order of the wish: the position identifies a picked port. */
function stillWished(wished: PublishedPort[], granted: PublishedPort[], removed: PublishedPort[]): PublishedPort[] {
  if (granted.length === 0) return withoutPorts(wished, removed);
  const kept = withoutPorts(granted, removed);
  return wished.filter((_, index) => {
    const grant = granted[index];
    return grant !== undefined && kept.includes(grant);
  });
}

function withoutPorts(ports: readonly PublishedPort[], removed: readonly PublishedPort[]): PublishedPort[] {
  return ports.filter((port) => !removed.some((other) => isSamePort(port, other)));
}

/** Returns the grant after the change. */
export function grantAfter(context: ContainerContext): ContainerGrant {
  const { change } = context;
  const grant = grantOf(context);
  const wish = changed(context, grant.wish, change);
  switch (change?.kind) {
    case 'join':
      return { ...grant, wish, leases: withGiven(grant.leases, change), ports: [...grant.ports, ...change.ports] };
    case 'leave':
      return { ...grant, wish, ports: withoutPorts(grant.ports, change.ports) };
    case 'freed':
      return { ...grant, wish, ports: withFreed(grant.ports, change.ports) };
    case 'spoofing':
      return { ...grant, wish, leases: withSpoofing(grant.leases, change) };
    case 'address':
      return { ...grant, wish, leases: withAddress(grant.leases, change) };
    default:
      return { ...grant, wish };
  }
}

/** Returns its ports, with changed grants for some of them. */
const withFreed = (ports: readonly GrantedPort[], freed: readonly GrantedPort[]): GrantedPort[] =>
  ports.map((port) => grantIn(freed, port));

/** Returns the changed grant of a port, else the port as it is. */
const grantIn = (freed: readonly GrantedPort[], port: GrantedPort): GrantedPort =>
  freed.find((other) => isSamePort(port, other)) ?? port;

/** Returns its ports that gain families. */
export function freedFamilies({ ports }: Pick<ContainerContext, 'ports'>, freed: readonly GrantedPort[]) {
  return ports.flatMap((former) => {
    const port = grantIn(freed, former);
    const before = grantedFamilies(former);
    const families = grantedFamilies(port).filter((family) => !before.includes(family));
    return families.length > 0 ? [{ port, families }] : [];
  });
}

function withSpoofing(leases: Leases, { network, spoofing }: Extract<Change, { kind: 'spoofing' }>): Leases {
  const lease = entryOf(leases, network);
  if (lease?.link.kind !== 'bridge') return leases;
  return { ...leases, [network]: { ...lease, link: { ...lease.link, spoofing } } };
}

function withAddress(leases: Leases, { network, terms, fault }: Extract<Change, { kind: 'address' }>): Leases {
  const lease = entryOf(leases, network);
  return lease ? { ...leases, [network]: withTerms(lease, terms, fault) } : leases;
}

/** Adds the DHCP servers' addresses on the networks that are being joined. */
function withGiven(leases: Leases, { terms }: Join): Leases {
  const given = Object.entries(terms).flatMap(([network, each]) => {
    const lease = entryOf(leases, network);
    return lease ? [[network, withTerms(lease, each)] as const] : [];
  });
  return given.length > 0 ? { ...leases, ...Object.fromEntries(given) } : leases;
}
