import { entryOf } from '../../../src/core/entry.ts';
import { withPrefix } from '../../../src/core/lease/lease.ts';
import { namesLeftOut } from '../../../src/core/plan/container/dns.ts';
import type { ContainerGrant } from '../../../src/core/plan/container/grant.ts';
import { targetFamilies } from '../../../src/core/plan/container/ports.ts';
import { servedPorts } from '../../../src/core/served-ports.ts';
import type { Effect } from '../../effect.ts';
import { type Change, type ContainerContext, grantOf, type Join, type Leave } from '../context.ts';
import { freedFamilies, grantAfter } from './outcome.ts';
import { familyFacts, leftOutFacts } from './unreachable-ports.ts';

/** Events about a change, and the answer while nothing is in the kernel. */

export function changeFacts(context: ContainerContext, change: Change | null): Effect<'container'>[] {
  switch (change?.kind) {
    case 'join':
      return joinFacts(context, change);
    case 'leave':
      return leaveFacts(context, change);
    case 'address':
      return change.fault ? [{ kind: 'announce', fact: 'degraded', data: { fault: change.fault } }] : [];
    case 'freed': {
      const led = targetFamilies(grantAfter(context));
      const served = freedFamilies(context, change.ports).filter(({ families }) =>
        families.some((one) => led.includes(one)),
      );
      const ports = served.map(({ port }) => port);
      return ports.length > 0 ? [{ kind: 'announce', fact: 'published', data: { ports } }] : [];
    }
    default:
      return [];
  }
}

function joinFacts(context: ContainerContext, { attachments, ports }: Join): Effect<'container'>[] {
  const after = grantAfter(context);
  return [
    ...attachments.map(({ network, interfaceName, aliases }): Effect<'container'> => {
      const addresses = entryOf(after.leases, network)?.addresses.map(withPrefix) ?? [];
      return { kind: 'announce', fact: 'connected', data: { network, interfaceName, aliases, addresses } };
    }),
    ...(attachments.length > 0 ? familyFacts(grantOf(context), after) : []),
    ...attachments.flatMap(({ network }) => namesLeftOutFacts(after, network)),
    ...(ports.length > 0 ? [{ kind: 'announce', fact: 'published', data: { ports } } as const] : []),
    ...(ports.length > 0 ? leftOutFacts(after, ports) : []),
  ];
}

function leaveFacts(context: ContainerContext, { networks, ports }: Leave): Effect<'container'>[] {
  return [
    ...networks.map((network): Effect<'container'> => ({ kind: 'announce', fact: 'disconnected', data: { network } })),
    ...(networks.length > 0 ? familyFacts(grantOf(context), grantAfter(context)) : []),
    ...(ports.length > 0 ? [{ kind: 'announce', fact: 'unpublished', data: { ports } } as const] : []),
  ];
}

/** Announces names that cannot be resolved, although nothing was refused. */
export function namesLeftOutFacts(grant: ContainerGrant, network?: string): Effect<'container'>[] {
  return namesLeftOut(grant, network).map((left) => ({
    kind: 'announce',
    fact: 'names-left-out',
    data: { ...left, reason: 'DNS allows at most 63 bytes per label and 253 per name, and no empty label' },
  }));
}

/** Returns the answer to a change while nothing is in the kernel. */
export const offlineStatus = ({ id, wish }: ContainerContext) => ({
  id,
  netns: null,
  status: {},
  ports: servedPorts(wish?.ports ?? []),
  kernelMs: 0,
});
