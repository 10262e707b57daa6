import { describe, expect, it } from 'vitest';
import { type ActorAddress, containerAddress, networkAddress } from '../../src/core/actor-address.ts';
import type { Step } from '../../src/core/steps/step.ts';
import { definitionOf } from '../core/samples.ts';
import { seeded } from '../support/seeded.ts';
import { demo, House, type HouseSettings, toContainer, toNetwork, web } from './house.ts';
import { disorder } from './order.ts';

type Command = [to: ActorAddress, event: object];

interface Scenario {
  before: Command[];
  /** the command that is under way when it dies */
  command: Command;
  /** how to remove everything, after it has been done */
  after?: Command[];
  /** steps that the kernel refuses, in every life, once the scenario begins */
  refusing?: (step: Step) => boolean;
  /** a link of the host to a LAN with a DHCP server */
  onLan?: true;
}

const ports = [
  { hostPort: 8080, containerPort: 80 },
  { containerPort: 53, protocol: 'udp' },
];
const onDemo = { id: 'web', networks: [{ network: 'demo' }], ports };
const dual = { subnets: [{ subnet: '10.89.0.0/24' }, { subnet: 'fd00::/64' }] };
const backend = { name: 'back', subnets: [{ subnet: '10.90.0.0/24' }], internal: true };

const createDemo: Command = [demo, toNetwork.create(dual)];
const createBack: Command = [networkAddress('back'), toNetwork.create(backend)];
const setup: Command = [web, toContainer.setup(onDemo)];
const remove: Command = [web, toContainer.remove];

const createLan: Command = [
  networkAddress('lan'),
  toNetwork.create({
    name: 'lan',
    driver: 'macvlan',
    network_interface: 'lan0',
    subnets: null,
    ipam_options: { driver: 'dhcp' },
  }),
];
const onBoth = { id: 'web', networks: [{ network: 'lan' }, { network: 'demo' }], ports };

const brought = { ...definitionOf({ name: 'podman1' }, 'podman1'), id: 'e'.repeat(64) };

/** exists in every house */
const firstProcess = 1001;

const scenarios: Record<string, Scenario> = {
  'network.create': { before: [], command: createDemo },
  'container.setup of the first member': { before: [createDemo], command: setup },
  'container.setup on two networks': {
    before: [createDemo, createBack],
    command: [web, toContainer.setup({ ...onDemo, networks: [{ network: 'demo' }, { network: 'back' }] })],
  },
  'container.setup in the namespace of another': {
    before: [createDemo, setup],
    command: [containerAddress('guest'), toContainer.setup({ id: 'guest', mode: 'container:web' })],
  },
  'a container.setup that fails': {
    before: [createDemo],
    command: setup,
    refusing: ({ verb }) => verb === 'route.add',
  },
  'a container.setup whose ports are taken': {
    before: [createDemo, setup],
    command: [containerAddress('late'), toContainer.setup({ ...onDemo, id: 'late' })],
  },
  'container.started': { before: [createDemo, setup], command: [web, toContainer.started(firstProcess)] },
  'container.started of a process that has ended, and takes the network along': {
    before: [createDemo, [web, toContainer.setup({ ...onDemo, removeOnExit: true })]],
    command: [web, toContainer.started(4711)],
  },
  'container.setup on a network that an engine brings': {
    before: [],
    command: [web, toContainer.setup({ ...onDemo, networks: [{ network: 'podman1', definition: brought }] })],
    after: [remove],
  },
  'P18 container.exited': {
    before: [createDemo, setup, [web, { ...toContainer.started(firstProcess), reportsExit: true }]],
    command: [web, { type: 'container.exited', pid: firstProcess, exitCode: 3 }],
  },
  'P18 container.setup with a deadline': {
    before: [createDemo],
    command: [web, toContainer.setup({ ...onDemo, startWithinMs: 3_600_000 })],
  },
  'P18 container.abandon': { before: [createDemo, setup], command: [web, { type: 'container.abandon' }] },
  'container.teardown': { before: [createDemo, setup], command: [web, toContainer.teardown] },
  'P11 container.remove of one that runs': {
    before: [createDemo, setup, [web, toContainer.started(firstProcess)]],
    command: [web, { ...toContainer.remove, force: true }],
  },
  'container.remove': { before: [createDemo, setup], command: remove },
  'P11 container.remove of the owner of a namespace': {
    before: [
      createDemo,
      setup,
      [containerAddress('guest'), toContainer.setup({ id: 'guest', mode: 'container:web' })],
      [containerAddress('further'), toContainer.setup({ id: 'further', mode: 'container:guest' })],
    ],
    command: remove,
  },
  'network.remove': { before: [createDemo, setup, remove], command: [demo, toNetwork.remove] },
  'C13 container.setup by DHCP': {
    before: [createLan, createDemo],
    command: [web, toContainer.setup(onBoth)],
    onLan: true,
  },
  'C13 a container.setup by DHCP whose address cannot be added': {
    before: [createLan, createDemo],
    command: [web, toContainer.setup(onBoth)],
    onLan: true,
    refusing: (step) => step.verb === 'address.add' && step.address.startsWith('10.99.'),
  },
  'C13 container.connect by DHCP': {
    before: [createLan, createDemo, setup],
    command: [web, { type: 'container.connect', attachment: { network: 'lan' } }],
    onLan: true,
  },
  'C13 container.remove by DHCP': {
    before: [createLan, createDemo, [web, toContainer.setup(onBoth)]],
    command: remove,
    onLan: true,
  },
};

async function prepared({ before, onLan }: Scenario): Promise<House> {
  const house = new House();
  if (onLan) house.linux.addVeth(house.linux.host, 'lan0', house.linux.host, 'lan1');
  house.linux.servesDhcp = onLan ?? false;
  expect(house.linux.startProcess().pid).toBe(firstProcess);
  await house.start();
  for (const [to, event] of before) expect((await house.ask(to, event)).fault).toBeUndefined();
  await house.stop();
  return house;
}

/** Facts about every actor, except those that every start announces. */
function story(house: House): Record<string, string[]> {
  const stories: Record<string, string[]> = {};
  for (const { source, fact } of house.journal.after(0, 1_000_000))
    if (fact !== 'serving' && fact !== 'adopted') stories[source] = [...(stories[source] ?? []), fact];
  return stories;
}

const states = (house: House) => house.journal.actors().map(({ address, record }) => [address, record.value]);

/** Runs without a death: the result, and the number of moments to die at. */
async function undisturbed(scenario: Scenario, settings: HouseSettings) {
  const house = await prepared(scenario);
  await house.start(settings);
  const command = house.say(...scenario.command);
  await house.settle();
  await undo(house, scenario);
  expect(disorder(house)).toEqual([]);
  const fault = house.journal.replyTo(command)?.fault;
  const result = {
    moments: house.spentBy(settings.mortal),
    end: { states: states(house), story: story(house), fault },
  };
  await house.demolish();
  return result;
}

async function undo(house: House, { after = [] }: Scenario): Promise<void> {
  for (const [to, event] of after) house.say(to, event);
  await house.settle();
}

interface Death {
  house: House;
  /** of the mortal part: the worker, or all */
  moment: number;
  settings: HouseSettings;
  /** how the next life begins */
  revive(): Promise<void>;
}

/** Dies at that moment of the scenario, starts again, and returns the result in the form of an undisturbed run. */
async function dieAndLive(scenario: Scenario, { house, moment, settings, revive }: Death) {
  await house.start({ ...settings, diesAfter: moment });
  const command = house.say(...scenario.command);
  await house.settle();
  const [told] = house.answers.get(command) ?? [];
  await revive();
  // as a client does that got no reply
  house.say(...scenario.command, command);
  await house.settle();
  await undo(house, scenario);
  const kept = house.journal.replyTo(command);
  if (told) expect({ command, ...kept }).toEqual(told);
  return {
    end: { states: states(house), story: story(house), fault: kept?.fault },
    isAnswered: kept !== null,
    disorder: disorder(house),
  };
}

describe.each(Object.entries(scenarios))('a daemon that dies during %s', (_name, scenario) => {
  const settings = { refusing: scenario.refusing };

  it('a daemon that dies is followed at any moment by one that completes it, sends the same reply, leaks nothing and announces each fact once', async () => {
    const { moments, end } = await undisturbed(scenario, settings);
    for (let moment = 1; moment <= moments; moment++) {
      const house = await prepared(scenario);
      const revive = async () => {
        await house.crash();
        await house.start(settings);
      };
      const result = await dieAndLive(scenario, { house, moment, settings, revive });
      expect({ moment, ...result }).toEqual({ moment, end, isAnswered: true, disorder: [] });
      await house.demolish();
    }
  });

  it('a daemon that dies again and again is followed by one that completes it', async () => {
    const { moments, end } = await undisturbed(scenario, settings);
    const seed = Date.now() % 100_000;
    const random = seeded(seed);
    for (let round = 0; round < 10; round++) {
      const house = await prepared(scenario);
      const deaths = Array.from({ length: 3 }, () => 1 + Math.floor(random() * moments));
      const [moment = 1, ...later] = deaths;
      const revive = async () => {
        for (const diesAfter of later) {
          await house.crash();
          await house.start({ ...settings, diesAfter });
          await house.settle();
        }
        await house.crash();
        await house.start(settings);
      };
      const result = await dieAndLive(scenario, { house, moment, settings, revive });
      expect({ seed, deaths, ...result }).toEqual({ seed, deaths, end, isAnswered: true, disorder: [] });
      await house.demolish();
    }
  });
});

const workers = 2;
const ofWorkers = ['container.setup on two networks', 'container.remove'].flatMap((name) =>
  [0, 1].map((mortal) => ({ name, mortal })),
);

describe.each(ofWorkers)('worker $mortal that dies during $name', ({ name, mortal }) => {
  const scenario = scenarios[name] as Scenario;

  it('a worker that dies at any moment is replaced by one that completes its part, while the others continue', async () => {
    const settings = { workers, mortal };
    const { moments, end } = await undisturbed(scenario, settings);
    for (let moment = 1; moment <= moments; moment++) {
      const house = await prepared(scenario);
      const revive = () => house.replaceWorker(mortal);
      const result = await dieAndLive(scenario, { house, moment, settings, revive });
      expect({ moment, ...result }).toEqual({ moment, end, isAnswered: true, disorder: [] });
      await house.demolish();
    }
  });
});
