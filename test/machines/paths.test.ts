import { describe, expect, it } from 'vitest';
import type { Effect } from '../../machines/effect.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { Purpose } from '../../src/core/plan/purpose.ts';
import {
  attachedContainerTerrain,
  containerTerrain,
  leasedContainerTerrain,
  waitedContainerTerrain,
} from './terrains/container.ts';
import { dhcpTerrain } from './terrains/dhcp.ts';
import { hostTerrain, leavingHostTerrain } from './terrains/host.ts';
import { leftNetworkTerrain, networkTerrain } from './terrains/network.ts';
import {
  brief,
  describePlace,
  type Edge,
  explore,
  failed,
  leafStates,
  type Place,
  shortestWays,
  stateName,
  stranded,
  type Terrain,
  take,
} from './walk.ts';

/** Every path through each machine, with plans that succeed and fail, restarts and reboots at any moment. */
const terrains = [
  ['container', containerTerrain],
  ['leased container', leasedContainerTerrain],
  ['waited container', waitedContainerTerrain],
  ['attached container', attachedContainerTerrain],
  ['network', networkTerrain],
  ['left network', leftNetworkTerrain],
  ['host', hostTerrain],
  ['leaving host', leavingHostTerrain],
  ['dhcp', dhcpTerrain],
] as unknown as [string, Terrain<unknown>][];

/** Results that change nothing in any state: the plan has succeeded, and no state waits for it. */
const quietSuccesses: Purpose['kind'][] = ['release', 'wait', 'hold-again', 'ask', 'keep', 'exit-code'];

const describeEdge = ({ from, event, effects }: Edge<unknown>) =>
  `${describePlace(from)}, ${event.type}: ${effects.map(brief).join(', ')}`;
const plansOf = (effects: Effect[]) =>
  effects.flatMap((effect) => (effect.kind === 'apply' ? [effect.plan.purpose] : []));

describe.each(terrains)('the %s machine', (name, terrain) => {
  const exploration = explore(terrain);
  const { places, edges } = exploration;

  it('reaches every one of its states', () => {
    const ways = shortestWays(exploration);
    const { elsewhere = [] } = terrain;
    const reachable = leafStates(terrain.machine).filter((state) => !elsewhere.includes(state));
    expect(Object.keys(ways).sort()).toEqual(reachable.sort());
    expect(ways).toMatchSnapshot();
  });

  it('leads on from every place that it can be in, to its end', () => {
    const goal = { host: 'serving', 'leaving host': 'serving', dhcp: 'absent' }[name] ?? 'removed';
    const lost = stranded(exploration, ({ snapshot }) => stateName(snapshot.value) === goal).map(describePlace);
    expect([...new Set(lost)]).toEqual([]);
  });

  /** Lists edges with a plan whose result, if it has one, changes nothing in the place that they lead to. */
  const deafTo = (resultOf: (purpose: Purpose) => ActorEvent | undefined): string[] => {
    const answered = new Map<Place<unknown>, Map<string, boolean>>(places.map((place) => [place, new Map()]));
    const isDeaf = (place: Place<unknown>, purpose: Purpose): boolean => {
      const result = resultOf(purpose);
      if (!result) return false;
      const { next, effects } = take(terrain.machine, place.snapshot, result);
      return next === place.snapshot && effects.length === 0;
    };
    const isDeafOnce = (place: Place<unknown>, purpose: Purpose): boolean => {
      const known = answered.get(place) as Map<string, boolean>;
      const key = JSON.stringify(purpose);
      const deaf = known.get(key) ?? isDeaf(place, purpose);
      known.set(key, deaf);
      return deaf;
    };
    const deaf = edges.filter(({ known, effects }) => plansOf(effects).some((purpose) => isDeafOnce(known, purpose)));
    return [...new Set(deaf.map(describeEdge))];
  };

  it('has an answer to the failure of every plan, wherever it asked for it', () => {
    expect(deafTo((purpose) => failed(purpose))).toEqual([]);
  });

  it('goes on after the success of every plan, wherever it asked for it', () => {
    const successOf = (purpose: Purpose) =>
      quietSuccesses.includes(purpose.kind) ? undefined : terrain.results(purpose)[0];
    expect(deafTo(successOf)).toEqual([]);
  });

  it('waits only for what it asked for: where it is under way, a plan is out', () => {
    const underWay = ['building', 'addressing', 'unconfiguring', 'unlinking', 'raising', 'lowering'];
    const idle = places.filter(
      ({ snapshot, outstanding }) => underWay.includes(stateName(snapshot.value)) && outstanding.length === 0,
    );
    expect([...new Set(idle.map(describePlace))]).toEqual([]);
  });

  it('decides purely: it has no invoke, no after, no promise', () => {
    const definition = JSON.stringify(terrain.machine.definition);
    const found = JSON.parse(definition, (key, value) => {
      if (key === 'invoke') expect(value).toEqual([]);
      if (key === 'delay') expect(value).toBeUndefined();
      return value;
    });
    expect(found.id).toBe(terrain.machine.id);
    expect(definition).not.toMatch(/xstate\.(after|promise|done\.actor)|"type":"xstate\.(spawn|sendTo)/);
  });
});
