import { describe, expect, it } from 'vitest';
import type { ActorAddress } from '../../src/core/actor-address.ts';
import { demo, House, type HouseSettings, toContainer, toNetwork, web } from './house.ts';
import { disorder } from './order.ts';

type Command = [to: ActorAddress, event: object];

interface Scenario {
  before: Command[];
  /** the one that is under way when it dies */
  command: Command;
}

const ports = [
  { hostPort: 8080, containerPort: 80 },
  { containerPort: 53, protocol: 'udp' },
];
const onDemo = { id: 'web', networks: [{ network: 'demo' }], ports };
const dual = { subnets: [{ subnet: '10.89.0.0/24' }, { subnet: 'fd00::/64' }] };

const createDemo: Command = [demo, toNetwork.create(dual)];
const setup: Command = [web, toContainer.setup(onDemo)];

const scenarios: Record<string, Scenario> = {
  'network.create': { before: [], command: createDemo },
  'container.setup of the first member': { before: [createDemo], command: setup },
  'container.teardown': { before: [createDemo, setup], command: [web, toContainer.teardown] },
  'container.remove': { before: [createDemo, setup], command: [web, toContainer.remove] },
  'network.remove': {
    before: [createDemo, setup, [web, toContainer.remove]],
    command: [demo, toNetwork.remove],
  },
};

async function prepared({ before }: Scenario): Promise<House> {
  const house = new House();
  await house.start();
  for (const [to, event] of before) expect((await house.ask(to, event)).fault).toBeUndefined();
  await house.stop();
  return house;
}

/** What is told of every actor, but for what each start tells. */
function story(house: House): Record<string, string[]> {
  const stories: Record<string, string[]> = {};
  for (const { source, fact } of house.journal.after(0, 1_000_000))
    if (fact !== 'serving' && fact !== 'adopted') stories[source] = [...(stories[source] ?? []), fact];
  return stories;
}

const states = (house: House) => house.journal.actors().map(({ address, record }) => [address, record.value]);

/** One run without a death: how it ends, and how many moments there are to die at. */
async function undisturbed(scenario: Scenario, settings: HouseSettings) {
  const house = await prepared(scenario);
  await house.start(settings);
  house.say(...scenario.command);
  await house.settle();
  const result = { moments: house.spent, story: story(house), states: states(house), disorder: disorder(house) };
  await house.demolish();
  return result;
}

describe.each(Object.entries(scenarios))('a daemon that dies during %s', (_name, scenario) => {
  it('at any moment: the next one completes it, answers the same, leaks nothing and tells every fact once', async () => {
    const calm = await undisturbed(scenario, {});
    expect(calm.disorder).toEqual([]);
    for (let moment = 1; moment <= calm.moments; moment++) {
      const house = await prepared(scenario);
      await house.start({ diesAfter: moment });
      const command = house.say(...scenario.command);
      await house.settle();
      await house.crash();
      const [told] = house.answers.get(command) ?? [];
      await house.start();
      house.say(...scenario.command, command);
      await house.settle();
      const dying = `dead after ${moment} of ${calm.moments}`;
      expect({ dying, disorder: disorder(house) }).toEqual({ dying, disorder: [] });
      expect({ dying, states: states(house), story: story(house) }).toEqual({
        dying,
        states: calm.states,
        story: calm.story,
      });
      const kept = house.journal.replyTo(command);
      expect(kept?.fault).toBeUndefined();
      if (told) expect({ command, ...kept }).toEqual(told);
      await house.demolish();
    }
  });
});
