import { describe, expect, it } from 'vitest';
import { listedScenarios, sweepHost } from '../actors/fault-sweep-host.ts';
import type { Trap } from '../actors/fault-sweep-process.ts';
import { mustBe, type Rehearsal, rehearse } from '../actors/fault-sweep-rehearsal.ts';
import { type Scenario, scenariosIn } from '../actors/fault-sweep-scenarios.ts';
import { Tally } from '../support/sweeps.ts';

type Death = Extract<Trap, { kind: 'kill' }>;

const figures = { leaks: [] as string[], notAnswered: [] as string[] };
const tally = new Tally();
const surroundings = sweepHost(() => {
  const { leaks, notAnswered } = figures;
  return `kill sweep: ${tally.summary('deaths')}, ${leaks.length} leaks, ${notAnswered.length} not completed`;
});

/**
 * Sends the command, is killed by it, starts again, and sends it again under the same ID, as a client does that got no
 * reply. Leads back to the state before. Throws on a failure.
 */
async function dieAndLive(death: Death, scenario: Scenario, { site, before, after }: Rehearsal): Promise<void> {
  const { command, meanwhile, halfBack = [], back } = scenario;
  const id = site.newId();
  meanwhile?.(site.directory);
  await site.set(death);
  if (!(await site.sayUntilDeath(command, id))) throw new Error('it did not die');
  await site.start();
  const { fault } = await site.say(command, id);
  if (fault) figures.notAnswered.push(`${JSON.stringify(death)}: ${JSON.stringify(fault)}`);
  await mustBe(site, 'after the next life', after);
  await site.sayAll([...halfBack, ...back]);
  await mustBe(site, 'back again', before);
}

/** Before and after each step. */
const deathsIn = ({ steps }: Rehearsal): (Death & { step: string })[] =>
  steps.flatMap(({ step }, index) =>
    (['before', 'after'] as const).map((when) => ({ kind: 'kill' as const, nth: index + 1, when, step })),
  );

async function sweep(name: string, scenario: Scenario): Promise<void> {
  let rehearsal = await rehearse(scenario, surroundings(), true);
  for (const { step, ...death } of tally.pick(name, deathsIn(rehearsal)))
    try {
      await dieAndLive(death, scenario, rehearsal);
    } catch (error) {
      figures.leaks.push(`${name}: ${death.when} ${step}: ${(error as Error).message}`);
      await rehearsal.close().catch(() => {});
      rehearsal = await rehearse(scenario, surroundings(), true);
    }
  await rehearsal.close();
}

async function mustSurvive(name: string): Promise<void> {
  const { leaks, notAnswered } = figures;
  const already = [leaks.length, notAnswered.length];
  await sweep(name, scenariosIn(surroundings())[name] as Scenario);
  expect({ leaks: leaks.slice(already[0]), notAnswered: notAnswered.slice(already[1]) }).toEqual({
    leaks: [],
    notAnswered: [],
  });
}

/** Defines the tests for the scenarios of these kinds. */
export function sweepKills(kinds: readonly Scenario['kind'][]): void {
  const chosen = listedScenarios().filter(([, { kind }]) => kinds.includes(kind));

  describe('a daemon that is killed before and after every kernel step, of every plan', () => {
    it.each(chosen.map(([name]) => name))(
      'B07 %s: the next daemon completes it and answers, and nothing is left afterwards',
      { timeout: 1_800_000 },
      mustSurvive,
    );
  });
}
