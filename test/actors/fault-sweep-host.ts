import { afterAll, beforeAll } from 'vitest';
import { becomeFreshHost } from '../support/fresh-host.ts';
import { Surroundings, scenariosIn } from './fault-sweep-scenarios.ts';

/** The scenarios before there is a host for them: their names and kinds. */
export const listedScenarios = () => Object.entries(scenariosIn({ pid: 1, path: '' } as Surroundings));

/** For a file of tests: a fresh host with what the scenarios find there, and at the end a line of what was seen. */
export function sweepHost(summary: () => string): () => Surroundings {
  let surroundings: Surroundings;
  beforeAll(async () => {
    await becomeFreshHost();
    surroundings = await Surroundings.make();
  });
  afterAll(async () => {
    await surroundings.remove();
    console.info(summary());
  });
  return () => surroundings;
}
