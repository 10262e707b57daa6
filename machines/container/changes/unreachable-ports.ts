import { calledAs } from '../../../src/core/container/reference.ts';
import { type Fault, fault } from '../../../src/core/fault.ts';
import type { ContainerGrant } from '../../../src/core/plan/container/grant.ts';
import {
  isOnOurBridge,
  leadsSomewhere,
  networkWithoutRules,
  portsWithoutTarget,
  targetFamilies,
} from '../../../src/core/plan/container/ports.ts';
import {
  describePort,
  type GrantedPort,
  grantedFamilies,
  isLoopback6,
  type PublishedPort,
} from '../../../src/core/port.ts';
import { contradictedPorts } from '../../../src/core/served-ports.ts';
import type { Effect } from '../../effect.ts';

/** Published ports that do not lead to the container: why, and the facts about them. */

/**
 * Why a port is left out, or a part of it: it is on ::1 (`loopback`), the container has no address of its `family`, no `network` of it
 * carries ports, no rules lead into its network (`firewall`), another mapping leads it elsewhere (`contradiction`), another
 * container has it (`taken`).
 */
type LeftOut = 'loopback' | 'family' | 'network' | 'firewall' | 'contradiction' | 'taken';

export function unreachablePort(grant: ContainerGrant, port: PublishedPort): Fault {
  return fault('mode.conflict', `${describePort(port)} leads nowhere: ${whyUnreachable(grant, port).reason}`);
}

function whyUnreachable(grant: ContainerGrant, port: PublishedPort): { cause: LeftOut; reason: string } {
  const led = targetFamilies(grant);
  if (isLoopback6(port)) {
    const advice = led.includes(4) ? 'use 127.0.0.1' : 'use an IPv6 address of this host, or [::]';
    const reason = `Linux does not route ::1, so a container cannot be reached there; ${advice}`;
    return { cause: 'loopback', reason };
  }
  const network = led.length === 0 ? networkWithoutRules(grant) : null;
  if (network !== null) {
    const reason = `network ${network} has no firewall rules: its engine has set firewall none`;
    return { cause: 'firewall', reason };
  }
  const name = calledAs(grant.wish);
  if (!isOnOurBridge(grant)) {
    const reason = `no network of container ${name} can publish ports: other machines reach it at its own address`;
    return { cause: 'network', reason };
  }
  const [family, ...both] = grantedFamilies(port);
  const missing = both.length > 0 ? 'address' : `IPv${family} address`;
  return { cause: 'family', reason: `container ${name} has no ${missing} on a bridge network` };
}

const leftOutFact = (port: PublishedPort, cause: LeftOut, reason: string): Effect<'container'> => ({
  kind: 'announce',
  fact: 'port-unreachable',
  data: { ports: [port], cause, reason },
});

function unreachableFact(grant: ContainerGrant, port: PublishedPort): Effect<'container'> {
  const { cause, reason } = whyUnreachable(grant, port);
  return leftOutFact(port, cause, reason);
}

/** Announces ports that were left out, although nothing was refused: a connection to them is refused at once. */
export function leftOutFacts(
  grant: ContainerGrant,
  ports: readonly GrantedPort[] = grant.ports,
): Effect<'container'>[] {
  const families = targetFamilies(grant);
  const contradicted = contradictedPorts(grant.ports, families).filter((port) => ports.includes(port));
  const taken = ports.filter(({ without }) => without?.some((family) => families.includes(family)));
  const unreachable = portsWithoutTarget(grant, ports).filter((port) => !taken.includes(port));
  return [
    ...unreachable.map((port) => unreachableFact(grant, port)),
    ...taken.map(({ without = [], ...port }) =>
      leftOutFact(port, 'taken', `another container has it for IPv${without.join(' and IPv')}`),
    ),
    ...contradicted.map((port) =>
      leftOutFact(port, 'contradiction', 'another mapping of the container leads a part of it elsewhere'),
    ),
  ];
}

/** Announces ports that become reachable or unreachable, because networks come and go with their families. `before`: of ports that stay. */
export function familyFacts(before: ContainerGrant, after: ContainerGrant): Effect<'container'>[] {
  const staying = before.ports.filter((port) => after.ports.includes(port));
  const [lostBefore, lost] = [portsWithoutTarget(before, staying), portsWithoutTarget(after, staying)];
  const served = lostBefore.filter((port) => leadsSomewhere(after, port));
  return [
    ...(served.length > 0 ? [{ kind: 'announce', fact: 'published', data: { ports: served } } as const] : []),
    ...lost.filter((port) => !lostBefore.includes(port)).map((port) => unreachableFact(after, port)),
  ];
}
