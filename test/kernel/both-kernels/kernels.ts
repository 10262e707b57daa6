import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest';
import type { ActorAddress } from '../../../src/core/actor-address.ts';
import type { Step, StepOutput } from '../../../src/core/steps/step.ts';
import type { Performed } from '../../../src/kernel/kernel.ts';
import type { World } from '../../actors/worlds.ts';
import { fakeWorld, realWorld } from '../../actors/worlds.ts';

export let world: World;
/** Namespace, host end and bridge of the running test: each test has names of its own. */
export let netns: string;
export let veth: string;
export let bridge: string;
export let count = 0;
export const facts: [ActorAddress, unknown][] = [];

export const perform = (...steps: Step[]): Promise<Performed> => world.kernel.perform(steps);
export const succeed = async (...steps: Step[]): Promise<StepOutput[]> => {
  const { outputs, done, failure } = await perform(...steps);
  expect(failure).toBeNull();
  expect(done).toEqual(steps.map((_, index) => index));
  expect(outputs).toHaveLength(steps.length);
  return outputs;
};
export const refused = async (...steps: Step[]) => {
  const { failure } = await perform(...steps);
  expect(failure).not.toBeNull();
  return failure;
};
export const until = async (what: () => boolean): Promise<void> => {
  for (let round = 0; round < 1000 && !what(); round++) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(what()).toBe(true);
};

// ------------------------------------------------------------------------------------------------ steps by name

export const create = (): Step => ({ verb: 'netns.create', path: netns });
export const remove = (): Step => ({ verb: 'netns.remove', path: netns });
export const addVeth = (name = veth, peer = 'eth0'): Step => ({
  verb: 'link.veth',
  name,
  macAddress: 'fe:00:00:00:00:01',
  mtuBytes: null,
  peer: { netns, name: peer, macAddress: '02:00:00:00:00:07' },
});
export const addBridge = (name = bridge): Step => ({
  verb: 'link.bridge',
  name,
  macAddress: '02:00:00:00:00:01',
  mtuBytes: null,
});
export const up = (name: string, within: string | null): Step => ({ verb: 'link.set', netns: within, name, up: true });
export const gone = (graceMs: number): Step => ({ verb: 'link.gone', name: veth, graceMs });
export const address = (verb: 'address.add' | 'address.delete', text = '10.0.0.2/24'): Step => ({
  verb,
  netns,
  link: 'eth0',
  address: text,
});
export const route = (verb: 'route.add' | 'route.delete', gateway = '10.0.0.1'): Step => ({
  verb,
  netns,
  destination: '0.0.0.0/0',
  gateway,
  link: 'eth0',
  metric: 100,
});

/** The promises that plans rely on. FakeKernel may replace Linux in other tests because both keep every promise here. */
export function describeKernels(promises: () => void): void {
  describe.each([
    ['FakeKernel', async () => fakeWorld()],
    ['NativeKernel', realWorld],
  ] as const)('%s', (_name, open) => {
    beforeAll(async () => {
      world = await open();
      world.kernel.onFact((to, event) => facts.push([to, event]));
    });
    afterAll(() => world.close());
    beforeEach(() => {
      count += 1;
      netns = world.pin(`n${count}`);
      veth = `v${count}`;
      bridge = `b${count}`;
    });

    promises();
  });
}
