import type { ContainerRequest } from '../../../../src/core/container/request.ts';
import type { Lease } from '../../../../src/core/lease/lease.ts';
import { type ContainerGrant, netnsOf } from '../../../../src/core/plan/container/grant.ts';
import { setupPlan, teardownPlan, unlinkPlan } from '../../../../src/core/plan/container/plan.ts';
import type { Plan } from '../../../../src/core/plan/plan.ts';
import { describeStep } from '../../../../src/core/steps/step.ts';
import { leaseOf, v6, wishOf } from '../../samples.ts';

/** Containers of every shape, with what was granted for them, and their plans as lines. */

export const demo = { network: 'demo' };

export function grantOf(request: Partial<ContainerRequest>, leases: Lease[] = [leaseOf()]): ContainerGrant {
  const wish = wishOf(request);
  return {
    wish,
    netns: netnsOf(wish, '/netns', wish.netns.kind === 'container' ? '/netns/netloom-db' : null),
    leases: Object.fromEntries(leases.map((lease) => [lease.network, lease])),
    ports: wish.ports.map((port) => ({ ...port, hostPort: port.hostPort || 40_000 })),
  };
}

export const lines = ({ purpose, kind, steps }: Plan) => [`${purpose.kind}, ${kind}:`, ...steps.map(describeStep)];
export const plans = (grant: ContainerGrant) =>
  [setupPlan(grant), teardownPlan(grant), unlinkPlan(grant)].flatMap(lines);

export const second = leaseOf({
  network: 'back',
  link: { kind: 'bridge', bridge: 'netloom1', vlanId: null, published: true, spoofing: 'guarded' },
  addresses: [{ address: '10.89.1.2', prefixLength: 24, gateway: '10.89.1.1' }],
});
export const dual = leaseOf({ addresses: [...leaseOf().addresses, v6] });

/** Every shape of container. */
export const shapes = {
  bridge: grantOf({ networks: [demo], ports: [{ hostPort: 8080, containerPort: 80 }] }),
  dual: grantOf({ networks: [demo], ports: [{ hostPort: 8080, containerPort: 80 }] }, [dual]),
  two: grantOf({ networks: [demo, { network: 'back' }], ports: [{ hostPort: 8080, containerPort: 80 }] }, [
    leaseOf(),
    second,
  ]),
  internal: grantOf({ networks: [demo] }, [leaseOf({ internal: true })]),
  ranges: grantOf({
    networks: [demo],
    ports: [
      { hostPort: 8000, containerPort: 8000, range: 100 },
      { hostIp: '127.0.0.1', hostPort: 9000, containerPort: 90, range: 2, protocol: 'tcp,udp' },
    ],
  }),
  none: grantOf({ mode: 'none' }, []),
  unattached: grantOf({}, []),
  path: grantOf({ mode: 'ns:/run/netns/blue', networks: [demo] }),
  adopt: grantOf({ pid: 42, networks: [demo] }),
  shared: grantOf({ mode: 'container:db' }, []),
};
