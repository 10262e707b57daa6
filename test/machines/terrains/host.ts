import { type HostContext, hostMachine } from '../../../machines/host/chart.ts';
import type { GroupCommand } from '../../../machines/host/context.ts';
import type { ActorEvent } from '../../../src/core/actor-event.ts';
import { applied, failed, littered, recovered, type Terrain } from '../walk.ts';
import { wishes } from './container.ts';

/** The events of the host, with the fewest names and numbers that reach every state. */

const gcOf = (...ids: string[]): ActorEvent => ({
  type: 'node.gc',
  command: 'c',
  steps: [],
  found: { leftovers: [], doubtful: [] },
  unstarted: ids.map((id) => ({ id, name: id, owner: null })),
});
const abandoned = (container: string): ActorEvent => ({ type: 'container.abandoned', container, fault: null });

export const hostTerrain: Terrain<HostContext> = {
  machine: hostMachine,
  events: ({ snapshot: { value, context }, outstanding }) => {
    // the host is started before any other event
    if (value === 'absent') return [{ type: 'host.start' }];
    const asked: ActorEvent[] = ['a', 'b'].flatMap((name): ActorEvent[] => [
      { type: 'ports.claim', container: name, attempt: 1, ports: wishes.bridge.ports },
      { type: 'ports.release', container: name },
      { type: 'subnet.claim', network: name, bridge: null, sharesLink: false, subnets: [], automatic: [4] },
    ]);
    return [
      ...(outstanding.length < 2 ? [...asked, { type: 'host.start' } as const, recovered(false)] : []),
      ...(outstanding.length < 1 ? [{ type: 'drift.suspected' } as const] : []),
      ...(outstanding.length < 1 && context.abandoning.length === 0 ? [gcOf(), gcOf('a')] : []),
      ...context.abandoning.flatMap(({ open }: GroupCommand) => open).map(abandoned),
      { type: 'uplink.changed', hostIp: null, link: null, mtuBytes: null },
      { type: 'resolver.lost' },
      { type: 'resolver.replaced' },
      { type: 'subnet.release', network: 'a' },
      recovered(true),
    ];
  },
  results: (purpose) => [
    ...(purpose.kind === 'mend' ? [applied(purpose, [], [{ verb: 'nft.load' }])] : []),
    applied(
      purpose,
      purpose.kind === 'survey'
        ? [{ survey: { connected: [], routes: [], linkNames: [], bridges: [] } }]
        : [{ port: 8080 }],
    ),
    failed(purpose, littered),
  ],
  essence: (context) => [
    Object.keys(context.ports).sort(),
    Object.entries(context.holding).sort(),
    Object.keys(context.networks).sort(),
    context.surveying.map(({ network }) => network),
    context.sweeping.map(({ unstarted }) => unstarted?.map(({ id }) => id)),
    context.abandoning.map(({ open }) => open),
  ],
};

/** The same host with ports alone, whose containers are taken down while others claim their ports. */
export const leavingHostTerrain: Terrain<HostContext> = {
  ...hostTerrain,
  events: ({ snapshot: { value }, outstanding }) => {
    if (value === 'absent') return [{ type: 'host.start' }];
    const { ports } = wishes.bridge;
    return [
      ...(outstanding.length < 2
        ? [
            { type: 'ports.claim', container: 'a', attempt: 1, ports } as const,
            { type: 'ports.claim', container: 'b', attempt: 1, ports } as const,
            { type: 'host.start' } as const,
          ]
        : []),
      { type: 'ports.leaving', container: 'a' },
      { type: 'ports.release', container: 'a' },
      { type: 'ports.release', container: 'b' },
      { type: 'deadline.passed', command: null, deadline: 'leaving', at: 5, claimant: 'container/b' },
    ];
  },
  results: (plan) => [applied(plan, [{ port: 8080, deadlineAt: 5 }]), failed(plan, littered)],
  essence: ({ ports, holding, portsLeaving, portsWaiting }) => [
    Object.keys(ports).sort(),
    Object.keys(holding).sort(),
    portsLeaving,
    portsWaiting,
  ],
  elsewhere: ['degraded'],
};
