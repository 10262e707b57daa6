import { existsSync, rmSync } from 'node:fs';
import { untilAnswered } from '../support/daemon.ts';
import type { NetworkInfo } from '../support/door-engine.ts';
import {
  type ContainerFacts,
  type Facts,
  goneContainer,
  goneNetwork,
  type NetworkFacts,
  upOn,
} from './kill-loop-facts.ts';
import { type Ground, mappings, namesOf, partOf } from './kill-loop-ground.ts';
import { type Heard, heardNothing } from './kill-loop-host.ts';

/** Who has died while a command was under way. */
export interface Deaths {
  /** the engine that called, and the door with it */
  engine: AbortSignal;
  daemon: AbortSignal;
}

/** One command during which the daemon is killed, and every end of it that is whole. */
export interface Trial {
  act: (deaths: Deaths) => Promise<Heard>;
  /** the same command with the same message id */
  again?: () => Promise<Heard>;
  whileDown?: () => void;
  /** A command that was reported as done has led to `done`, one that failed to `not done`. The facts before are `not done`. */
  ends: Record<string, Facts>;
  /** whether an answer of success says what is there */
  fits?: (said: unknown) => boolean;
  /** what an engine does after a failure: all of it anew. Answers what it hears */
  anew?: () => Promise<Heard>;
}

/** Prepares a trial; what is there then is the state before. */
type Prepare = (ground: Ground, before: () => Promise<Facts>) => Promise<Trial>;

/** What differs from the facts before. */
function changed(
  before: Facts,
  containers: Record<string, ContainerFacts>,
  networks: Record<string, NetworkFacts> = {},
): Facts {
  return { containers: { ...before.containers, ...containers }, networks: { ...before.networks, ...networks } };
}

const nameOf = ({ name }: NetworkInfo): string => name;
const isFiled = (before: Facts, name: string): boolean => before.networks[name]?.file ?? false;

/** Networks that have members; those that only an engine knows have no file. */
const used = (before: Facts, networks: readonly NetworkInfo[]): Record<string, NetworkFacts> =>
  Object.fromEntries(
    networks.map(({ name }) => [name, { state: 'there', file: isFiled(before, name), leftBridge: false }]),
  );

/** Networks without members: those that only an engine knows are gone. */
const unused = (before: Facts, networks: readonly NetworkInfo[]): Record<string, NetworkFacts> =>
  Object.fromEntries(
    networks.map(({ name }) => [name, isFiled(before, name) ? (before.networks[name] as NetworkFacts) : goneNetwork]),
  );

const all = <Value>(names: readonly string[], value: Value): Record<string, Value> =>
  Object.fromEntries(names.map((name) => [name, value]));

// ------------------------------------------------------------------------------------------------------------ the door

const doorSetUp =
  (count: number): Prepare =>
  async (ground, look) => {
    const networks = await ground.either(count);
    const container = ground.doorContainer(ground.name, networks, ground.ports);
    const next = ground.doorContainer(`${ground.name}-anew`, networks, ground.ports, ground.name);
    const before = await look();
    const up = upOn(networks.map(nameOf), ground.ports);
    const done = changed(before, { [container.id]: up }, used(before, networks));
    return {
      act: ({ engine }) => ground.say('setup', container, engine),
      anew: () => ground.say('setup', next),
      ends: { done, 'not done': before },
    };
  };

const doorJoin: Prepare = async (ground, look) => {
  const networks = await ground.either(3);
  const container = ground.doorContainer(ground.name, networks, ground.ports);
  const own = networks.slice(0, 1);
  await ground.say('setup', partOf(container, own));
  const before = await look();
  const done = changed(before, { [container.id]: upOn(networks.map(nameOf), ground.ports) }, used(before, networks));
  return {
    act: ({ engine }) => ground.say('setup', partOf(container, networks.slice(1)), engine),
    ends: { done, 'not done': before },
  };
};

const doorLeave =
  (stays: number): Prepare =>
  async (ground, look) => {
    const networks = await ground.either(3);
    const container = ground.doorContainer(ground.name, networks, ground.ports);
    await ground.say('setup', container);
    const before = await look();
    const rest = networks.slice(0, stays);
    const gone = networks.slice(stays);
    const after = stays === 0 ? goneContainer : upOn(rest.map(nameOf), ground.ports);
    return {
      act: ({ engine }) => ground.say('teardown', partOf(container, gone), engine),
      ends: { done: changed(before, { [container.id]: after }, unused(before, gone)), 'not done': before },
    };
  };

/** An engine removes its last container, then its network, and sets up another one of the same subnet at once. */
const doorReplace: Prepare = async (ground, look) => {
  const [old] = (await ground.either(1)) as [NetworkInfo];
  const next = ground.inPlaceOf(old);
  const former = ground.doorContainer(ground.name, [old], ground.ports);
  const container = ground.doorContainer(`${ground.name}-next`, [next], ground.ports);
  const anew = ground.doorContainer(`${ground.name}-anew`, [next], ground.ports, `${ground.name}-next`);
  await ground.say('setup', former);
  const before = await look();
  const gone = { [former.id]: goneContainer };
  const up = { ...gone, [container.id]: upOn([next.name], ground.ports) };
  return {
    act: async ({ engine }) => {
      const left = await ground.say('teardown', former, engine);
      if (left.how !== 'done') return heardNothing;
      rmSync(ground.host.fileOf(old.name), { force: true });
      return ground.say('setup', container, engine);
    },
    anew: () => ground.say('setup', anew),
    ends: {
      done: changed(before, up, { [old.name]: goneNetwork, ...used(before, [next]) }),
      'not done': changed(before, gone, { [old.name]: goneNetwork }),
      'not begun': before,
      'the former container has left': changed(before, gone, unused(before, [old])),
    },
  };
};

// ---------------------------------------------------------------------------------------------------------- containers

const attach: Prepare = async (ground, look) => {
  const networks = await ground.filed(2);
  const id = ground.name;
  ground.watch(id);
  ground.scope.ports.push(...ground.ports);
  const before = await look();
  return {
    ...ground.command('container.attach', { id, networks: namesOf(networks), ports: mappings(ground.ports) }),
    ends: {
      done: changed(before, { [id]: upOn(networks.map(nameOf), ground.ports) }, used(before, networks)),
      'not done': before,
    },
  };
};

const attachMore: Prepare = async (ground, look) => {
  const networks = await ground.filed(3);
  const id = await ground.run(ground.name, networks.slice(0, 1));
  const before = await look();
  return {
    ...ground.command('container.attach', { id, networks: namesOf(networks), ports: mappings(ground.ports) }),
    ends: {
      done: changed(before, { [id]: upOn(networks.map(nameOf), ground.ports) }, used(before, networks)),
      'not done': before,
    },
  };
};

const detach =
  (stays: number): Prepare =>
  async (ground, look) => {
    const networks = await ground.filed(3);
    const id = await ground.setUp(ground.name, networks, ground.ports);
    ground.scope.ports.push(...ground.ports);
    const before = await look();
    const rest = networks.slice(0, stays).map(nameOf);
    const after = stays === 0 ? goneContainer : upOn(rest, ground.ports);
    return {
      ...ground.command('container.detach', { id, networks: networks.slice(stays).map(nameOf) }),
      ends: { done: changed(before, { [id]: after }), 'not done': before },
    };
  };

// ------------------------------------------------------------------------------------------------------------ networks

const removeForced: Prepare = async (ground, look) => {
  const [shared, other] = (await ground.filed(2)) as [NetworkInfo, NetworkInfo];
  const both = [
    await ground.setUp(`${ground.name}-1`, [shared, other]),
    await ground.run(`${ground.name}-2`, [other, shared]),
  ];
  const alone = [await ground.setUp(`${ground.name}-3`, [shared]), await ground.run(`${ground.name}-4`, [shared])];
  const before = await look();
  return {
    ...ground.command('network.remove', { name: shared.name, force: true }),
    ends: {
      done: changed(
        before,
        { ...all(both, upOn([other.name])), ...all(alone, upOn([])) },
        { [shared.name]: goneNetwork },
      ),
      'not done': before,
    },
  };
};

const prune: Prepare = async (ground, look) => {
  const free = await ground.raised(4);
  const taken = await ground.filed(1);
  await ground.setUp(ground.name, taken);
  const before = await look();
  const names = free.map(nameOf);
  return {
    ...ground.command('network.prune', { names: [...names, ...taken.map(nameOf)] }),
    ends: { done: changed(before, {}, all(names, goneNetwork)), 'not done': before },
    fits: (said) => JSON.stringify([...(said as { removed: string[] }).removed].sort()) === JSON.stringify(names),
  };
};

/** Removes a definition file, before the kill or while no daemon runs. `seen`: whether the daemon has dealt with it. */
function vanishing(ground: Ground, name: string, seen: () => Promise<boolean>): Pick<Trial, 'act' | 'whileDown'> {
  const remove = () => rmSync(ground.host.fileOf(name), { force: true });
  if (ground.random() < 0.3) return { act: async () => heardNothing, whileDown: remove };
  return {
    act: async ({ daemon }) => {
      remove();
      await untilDead(daemon, seen);
      return heardNothing;
    },
  };
}

/** Looks until it is so, or until the daemon is dead. */
async function untilDead(daemon: AbortSignal, isSo: () => Promise<boolean>): Promise<void> {
  await untilAnswered(async () => {
    const so = daemon.aborted || (await isSo().catch(() => false));
    if (!so) throw new Error('the daemon has not dealt with the vanished definition');
  });
}

const knows = async ({ host }: Ground, name: string): Promise<boolean> =>
  (await host.client.network.list()).networks.some((network) => network.name === name);

const vanishUnused: Prepare = async (ground, look) => {
  const [{ name }] = (await ground.raised(1)) as [NetworkInfo];
  const before = await look();
  return {
    ...vanishing(ground, name, async () => !(await knows(ground, name))),
    ends: { done: changed(before, {}, { [name]: goneNetwork }) },
  };
};

const vanishUsed: Prepare = async (ground, look) => {
  const networks = await ground.filed(1);
  const [{ name }] = networks as [NetworkInfo];
  await ground.setUp(`${ground.name}-1`, networks);
  await ground.run(`${ground.name}-2`, networks);
  const before = await look();
  return { ...vanishing(ground, name, async () => existsSync(ground.host.fileOf(name))), ends: { done: before } };
};

/** An engine removes its containers, and then their network: the file goes while the last members are leaving. */
const vanishWithMembers: Prepare = async (ground, look) => {
  const networks = await ground.filed(1);
  const [{ name }] = networks as [NetworkInfo];
  const ids = [await ground.setUp(`${ground.name}-1`, networks), await ground.setUp(`${ground.name}-2`, networks)];
  const before = await look();
  const remove = () => rmSync(ground.host.fileOf(name), { force: true });
  const detachAll = () => Promise.all(ids.map((id) => ground.host.ask('container.detach', { id, networks: [name] })));
  const without = (...gone: string[]) => changed(before, all(gone, goneContainer));
  return {
    act: async ({ daemon }) => {
      await detachAll();
      remove();
      await untilDead(daemon, async () => !(await knows(ground, name)));
      return heardNothing;
    },
    whileDown: remove,
    ends: {
      done: changed(before, all(ids, goneContainer), { [name]: goneNetwork }),
      'no container has left': before,
      'one container has left': without(ids[0] as string),
      'the other container has left': without(ids[1] as string),
    },
  };
};

export const kinds: Record<string, Prepare> = {
  'door: set-up on one network': doorSetUp(1),
  'door: set-up on three networks': doorSetUp(3),
  'door: join of two more networks': doorJoin,
  'door: leave of two of three networks': doorLeave(1),
  'door: teardown': doorLeave(0),
  'door: another network in the place of a removed one': doorReplace,
  'container.attach: set-up on two networks': attach,
  'container.attach: two more networks and ports': attachMore,
  'container.detach: two of three networks': detach(1),
  'container.detach: all networks': detach(0),
  'network.remove --force: four members': removeForced,
  'network.prune: four networks': prune,
  'definition vanishes: unused': vanishUnused,
  'definition vanishes: in use': vanishUsed,
  'definition vanishes: the members leave': vanishWithMembers,
};
