import { expect, it } from 'vitest';
import { setup } from 'xstate';
import type { ContainerContext } from '../../machines/container/chart.ts';
import { decisionsOf, effectsOf } from '../../machines/decisions.ts';
import { degradedFacts, driftFacts } from '../../machines/drift.ts';
import type { Effect } from '../../machines/effect.ts';
import { networkFacts } from '../../src/contract/network-facts.ts';
import type { ContainerEvent } from '../../src/core/actor-event.ts';
import { fault } from '../../src/core/fault.ts';

/** The type check proves these rules: it fails if a line marked `@ts-expect-error` has no error. */

const lost = fault('netns.gone', 'the namespace is gone');

it("a container's machine announces facts of containers, with their data", () => {
  const effects: Effect<'container'>[] = [
    { kind: 'announce', fact: 'torn-down', data: {} },
    { kind: 'announce', fact: 'running', data: { pid: 7 } },
    ...driftFacts({ steps: ['route.add'] }),
    ...degradedFacts({ steps: [], fault: lost }),
  ];
  expect(effects).toMatchObject([
    { fact: 'torn-down' },
    { fact: 'running' },
    { fact: 'drift-detected' },
    { fact: 'drift-healed' },
    { fact: 'drift-detected', data: { steps: [], fault: lost } },
    { fact: 'degraded', data: { fault: lost } },
  ]);
});

it("a container's machine cannot announce facts of networks, of the node or of DHCP clients", () => {
  const data = networkFacts.updated.example;
  const updated = { kind: 'announce', fact: 'updated', data } as const satisfies Effect<'network'>;
  const foreign: Effect<'container'>[] = [
    // @ts-expect-error only networks are updated
    updated,
    // @ts-expect-error a network's `configured` has other data
    { kind: 'announce', fact: 'configured', data: { bridge: 'netloom0' } },
    // @ts-expect-error only the node serves
    { kind: 'announce', fact: 'serving', data: {} },
    // @ts-expect-error the container's DHCP client announces it, with its own state
    { kind: 'announce', fact: 'lease-lost', data: { network: 'lan', addresses: [], fault: lost } },
  ];
  // @ts-expect-error the effects of any machine are not those of a container's
  foreign.push(...([] as Effect[]));
  expect(foreign).toHaveLength(4);
});

it('no machine can announce an unknown fact, or wrong data', () => {
  const wrong: Effect[] = [
    // @ts-expect-error there is no such fact
    { kind: 'announce', fact: 'exploded', data: {} },
    // @ts-expect-error the process ID is missing
    { kind: 'announce', fact: 'running', data: {} },
    // @ts-expect-error a process ID is a number
    { kind: 'announce', fact: 'running', data: { pid: '7' } },
    // @ts-expect-error a running container has no bridge
    { kind: 'announce', fact: 'running', data: { pid: 7, bridge: 'netloom0' } },
  ];
  expect(wrong).toHaveLength(4);
});

it('drift has the data of its kind', () => {
  const lists = [
    driftFacts<'host'>({ what: 'firewall' }),
    degradedFacts<'host'>({ what: 'firewall', fault: lost }),
    // @ts-expect-error the host's drift says what has drifted
    driftFacts<'host'>({ steps: [] }),
    // @ts-expect-error a container's drift is always the container's
    driftFacts({ what: 'firewall' }),
    // @ts-expect-error a container's drift is always the container's
    degradedFacts({ what: 'firewall', fault: lost }),
  ];
  // @ts-expect-error the host's drift is not a container's
  const effects: Effect<'network'>[] = [{ kind: 'announce', fact: 'drift-healed', data: { what: 'firewall' } }];
  expect([...lists, effects].map((list) => list.length)).toEqual([2, 2, 2, 2, 2, 1]);
});

it("a container's chart takes no action of another machine", () => {
  const types = { context: {} as ContainerContext, events: {} as ContainerEvent };
  const { decide: own } = decisionsOf<ContainerContext, ContainerEvent, 'container'>();
  const { decide: foreign } = decisionsOf<ContainerContext, ContainerEvent, 'network'>();
  setup({ types, actions: { ...effectsOf<'container'>(), ended: own(() => []) } });
  // @ts-expect-error the action may announce a network's facts
  setup({ types, actions: { ...effectsOf<'container'>(), ended: foreign(() => []) } });
  // @ts-expect-error an action of a container lists effects of a container
  own(() => [{ kind: 'announce', fact: 'serving', data: {} }]);
});
