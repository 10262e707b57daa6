import type { ContainerEvent } from '../../../src/core/actor-event.ts';
import { formatSubnet, parseSubnet, type Subnet, subnetContains } from '../../../src/core/address.ts';
import { type AskedAttachment, attachmentsBeside } from '../../../src/core/container/attachments.ts';
import { calledAs } from '../../../src/core/container/reference.ts';
import type { ContainerWish } from '../../../src/core/container/wish.ts';
import { entryOf } from '../../../src/core/entry.ts';
import { type Fault, fault } from '../../../src/core/fault.ts';
import type { Lease } from '../../../src/core/lease/lease.ts';
import type { ContainerGrant } from '../../../src/core/plan/container/grant.ts';
import { refusedPort } from '../../../src/core/plan/container/ports.ts';
import { unreachableRoute } from '../../../src/core/plan/container/routes.ts';
import { contradictionOfPublished, describePort, isContradiction, type PublishedPort } from '../../../src/core/port.ts';
import { uncoveredPorts } from '../../../src/core/served-ports.ts';
import { type Attach, missingOf } from '../attaching.ts';
import { type ContainerContext, grantOf } from '../context.ts';
import { askedPorts, portsNamed } from './asked.ts';
import { grantAfter } from './outcome.ts';
import { unreachablePort } from './unreachable-ports.ts';

/** Refusals of a set-up or a change before anything is built. */

/** Returns why a change cannot start; null: it can. */
export function changeRefusal(context: ContainerContext, event: ContainerEvent): Fault | null {
  const { wish } = context;
  if (!wish) return fault('container.unknown', 'this container does not exist');
  if (event.type === 'container.attach') return attachRefusal(context, wish, event);
  return refusalOf(wish, askedPorts(context), event) ?? publishRefusal(context, event);
}

function attachRefusal(context: ContainerContext, wish: ContainerWish, event: Attach): Fault | null {
  const { networks, ports } = missingOf(context, event);
  if (networks.length > 0) {
    const refusal = joinRefusalOf(wish, networks);
    if (refusal) return refusal;
  }
  if (ports.length === 0) return null;
  const isOnNetwork = wish.attachments.length + networks.length > 0;
  const refusal = portsRefusal(isOnNetwork, ports, askedPorts(context));
  // the targets of ports on new networks are known only after the grant
  return refusal ?? (networks.length === 0 ? portRefusal(grantOf(context), ports) : null);
}

function refusalOf(wish: ContainerWish, ports: readonly PublishedPort[], event: ContainerEvent): Fault | null {
  switch (event.type) {
    case 'container.connect':
      return joinRefusalOf(wish, [event.attachment]);
    case 'container.disconnect':
      return wish.attachments.some(({ network }) => network === event.network)
        ? null
        : fault('container.not-connected', `container ${calledAs(wish)} is not on network ${event.network}`);
    case 'container.publish':
      return portsRefusal(wish.attachments.length > 0, event.ports, ports);
    case 'container.unpublish': {
      const unknown = event.ports[portsNamed(wish.ports, ports, event.ports).indexOf(null)];
      return unknown ? fault('port.unknown', unknownText(wish, ports, unknown)) : null;
    }
    default:
      return null;
  }
}

/** C03: refuses to connect a container without a namespace for networks. */
function joinRefusalOf(wish: ContainerWish, asked: readonly AskedAttachment[]): Fault | null {
  if (!joinsNetworks(wish))
    return fault(
      'mode.conflict',
      `unable to connect: container ${calledAs(wish)} is in mode ${wish.mode}, which takes no networks`,
    );
  const attachments = attachmentsBeside(wish.attachments, wish.id, asked);
  return 'code' in attachments ? attachments : null;
}

const joinsNetworks = ({ mode, netns }: ContainerWish): boolean =>
  mode !== 'none' && netns.kind !== 'container' && netns.kind !== 'host';

function portsRefusal(
  isOnNetwork: boolean,
  asked: readonly PublishedPort[],
  others: readonly PublishedPort[],
): Fault | null {
  if (!isOnNetwork) return fault('mode.conflict', 'ports can be published only by a container that joins a network');
  for (const port of asked) {
    const clash = others.find((other) => isContradiction(port, other));
    if (clash) return contradictionOfPublished(port, clash);
  }
  return null;
}

/** Returns why ports cannot be published, which is known only while there are addresses. */
function publishRefusal(context: ContainerContext, event: ContainerEvent): Fault | null {
  if (event.type !== 'container.publish' || context.inode === null) return null;
  return portRefusal(grantOf(context), event.ports);
}

function portRefusal(grant: ContainerGrant, ports: readonly PublishedPort[] = grant.ports): Fault | null {
  const port = refusedPort(grant, ports);
  return port && unreachablePort(grant, port);
}

/** Describes an unknown port; for a part of a range, which cannot be unpublished alone, names the range. */
function unknownText(wish: ContainerWish, ports: readonly PublishedPort[], unknown: PublishedPort): string {
  const [whole] = ports.filter((port) => uncoveredPorts([unknown], [port]).length === 0);
  return whole
    ? `${describePort(unknown)} is part of ${describePort(whole)}, which can only be unpublished as a whole`
    : `container ${calledAs(wish)} does not publish ${askedText(unknown)}`;
}

/** Formats a port as requested: `80/tcp` without a host port. */
const askedText = (port: PublishedPort): string =>
  port.hostPort === 0 && port.hostIp === null && port.range === 1
    ? `${port.containerPort}/${port.protocol}`
    : describePort(port);

/** Returns why the grants of a set-up cannot be built, before its first step; null: it can start. */
export const setupRefusal = (grant: ContainerGrant): Fault | null => portRefusal(grant) ?? unreachableRoute(grant);

/**
 * Returns why networks cannot be joined with the granted leases or the DHCP servers' addresses: a route leads nowhere (C05), an
 * address from another network's DHCP server is in the subnet (C13), or a port published with them cannot be reached.
 */
export function joinRefusal(context: ContainerContext): Fault | null {
  const { change, leases } = context;
  if (change?.kind !== 'join') return null;
  const after = grantAfter(context);
  for (const { network } of change.attachments) {
    const lease = entryOf(after.leases, network);
    const refusal = unreachableRoute(after, network) ?? (lease ? addressWithin(lease, leases) : null);
    if (refusal) return refusal;
  }
  return change.attachments.length > 0 && change.ports.length > 0 ? portRefusal(after, change.ports) : null;
}

function addressWithin({ network, dhcp, addresses }: Lease, leases: ContainerGrant['leases']): Fault | null {
  for (const { address, prefixLength } of dhcp ? [] : addresses) {
    const subnet = parseSubnet(`${address}/${prefixLength}`) as Subnet;
    const other = Object.values(leases).find(({ dhcp }) => dhcp?.terms && subnetContains(subnet, dhcp.terms.address));
    if (other)
      return fault(
        'subnet.taken',
        `${formatSubnet(subnet)} of network ${network} contains ${other.dhcp?.terms?.address}, which a DHCP server on network ${other.network} assigned`,
      );
  }
  return null;
}
