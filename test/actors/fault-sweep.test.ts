import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/actors/journal.ts';
import type { Fault } from '../../src/core/fault.ts';
import type { GcResult } from '../../src/core/gc.ts';
import { Tally } from '../support/sweeps.ts';
import { listedScenarios, sweepHost } from './fault-sweep-host.ts';
import type { Traced, Trap } from './fault-sweep-process.ts';
import { mustBe, type Rehearsal, rehearse, stateLike } from './fault-sweep-rehearsal.ts';
import { type Scenario, scenariosIn } from './fault-sweep-scenarios.ts';
import { difference } from './fault-sweep-site.ts';

type Refusal = Extract<Trap, { kind: 'refuse' }>;

/** Every kernel step of every plan, refused in each of these ways. */
const refusals: Omit<Refusal, 'nth' | 'kind'>[] = [
  { errno: 'EEXIST', rest: 'as-usual' },
  { errno: 'ENOMEM', rest: 'batch' },
  { errno: 'EBUSY', rest: 'refused' },
  { errno: 'ENOSPC', rest: 'as-usual' },
];
/** After this one a failed build is given up, after the others it is tried again. */
const givenUpAfter = 'ENOSPC';

/**
 * A macvlan whose deletion was refused goes with its namespace, some time after the namespace's pin; until then its MAC
 * address is taken on the parent (EADDRINUSE).
 */
const namespaceLagMs = 150;

const names = listedScenarios().map(([name]) => name);
const figures = { leaks: [] as string[], wrongReports: [] as string[] };
const tally = new Tally();
const surroundings = sweepHost(() => {
  const { leaks, wrongReports } = figures;
  return `fault sweep: ${tally.summary('cases')}, ${leaks.length} leaks, ${wrongReports.length} wrong reports`;
});

/** Its second way to fail is the only one that a caller can act on. */
function codeOf(verb: string, errno: string): string {
  if (errno === 'EEXIST' && verb === 'definition.write') return 'network.exists';
  if (errno === 'ENOSPC' && verb === 'definition.write') return 'storage.full';
  return errno === 'EEXIST' && /^link\.(bridge|veth|macvlan|ipvlan|vacant)$/.test(verb)
    ? 'link.exists'
    : 'kernel.refused';
}

/** One line when the fault that was told first is not the refusal. */
function wrongReport(told: Fault | undefined, refused: Traced['refused'], { errno }: Refusal): string | null {
  if (!refused) return 'the step was never asked for';
  const wanted = { code: codeOf(refused.verb, errno), step: refused.step, errno };
  if (!told) return `nothing was told of ${refused.step}`;
  const found = { code: told.code, step: told.step, errno: told.errno };
  return JSON.stringify(found) === JSON.stringify(wanted)
    ? null
    : `told ${JSON.stringify(told)} instead of ${JSON.stringify(wanted)}`;
}

interface Outcome {
  /** by the answer, else by the first fact of a fault */
  told: Fault | undefined;
  /** all that anybody was told could not be undone */
  leftBehind: string[];
  refused: Traced['refused'];
  state: string[];
}

/** A gc that could not remove everything is answered with a list of that, not with a fault. */
function failuresIn({ output }: Answer): Fault[] {
  const { failed = [] } = (output ?? {}) as Partial<GcResult>;
  return failed.map((left) => ({
    code: 'kernel.refused',
    message: left.detail ?? '',
    step: left.step,
    errno: left.errno ?? undefined,
    leftBehind: [left],
  }));
}

/** Says the command with a refusal in its way; what was told of it, and where it ended. */
async function runInto(trap: Refusal, scenario: Scenario, { site, before, after, half }: Rehearsal): Promise<Outcome> {
  const { last } = await site.facts(0);
  scenario.meanwhile?.(site.directory);
  await site.set(trap);
  const answer: Answer = await site.say(scenario.command);
  const { refused } = await site.trace();
  await site.set(null);
  const { facts } = await site.facts(last);
  const faults = [answer.fault, ...facts.map(({ fault }) => fault), ...failuresIn(answer)].filter(
    (fault) => fault !== null && fault !== undefined,
  );
  const leftBehind = faults.flatMap(({ leftBehind = [] }) => leftBehind.map(({ step }) => step));
  const dismantled = scenario.isRefusable ? [after, before] : [after];
  const ends = { build: [before, half], mend: [], dismantle: dismantled }[scenario.kind];
  const mayTakeTime = ends.length > 0 && leftBehind.length === 0;
  const state = await (mayTakeTime ? stateLike(site, ...ends) : site.state());
  return { told: faults[0], leftBehind, refused, state };
}

/** What is left and nobody was told of. */
function leaksOf({ kind, isRefusable }: Scenario, rehearsal: Rehearsal, { rest }: Refusal, outcome: Outcome): string[] {
  const { before, half, after } = rehearsal;
  const { state, leftBehind, refused, told } = outcome;
  if (kind === 'mend') return [];
  if (isRefusable && told && difference(state, before).length === 0) return [];
  if (kind === 'dismantle') return leftBehind.includes(refused?.step ?? '') ? [] : difference(state, after);
  const left = difference(state, before);
  const isBack = left.length === 0 || (half !== null && difference(state, half).length === 0);
  if (rest === 'refused') return isBack || leftBehind.length > 0 ? [] : left;
  return isBack ? leftBehind : left;
}

/** From wherever a failure ended back to the state before: by another try, or by giving up. */
async function leadOn(
  scenario: Scenario,
  { site, before, after }: Rehearsal,
  trap: Refusal,
  { leftBehind }: Outcome,
): Promise<void> {
  const { kind, command, again = [command], againAfterLeftovers = again, halfBack = [], back, giveUp = [] } = scenario;
  if (kind === 'build' && trap.errno === givenUpAfter) await site.sayAll(giveUp);
  else {
    await site.sayAll(leftBehind.length > 0 ? againAfterLeftovers : again);
    await mustBe(site, 'after another try', after);
    if (kind === 'dismantle') await new Promise((resolve) => setTimeout(resolve, namespaceLagMs));
    await site.sayAll([...halfBack, ...back]);
  }
  await mustBe(site, 'back again', before);
}

/** Each step that can be refused, in each way. */
const refusalsIn = ({ steps }: Rehearsal): (Refusal & { step: string })[] =>
  steps.flatMap(({ step, isRefusable }, index) =>
    isRefusable ? refusals.map((way) => ({ kind: 'refuse' as const, nth: index + 1, ...way, step })) : [],
  );

async function sweep(name: string, scenario: Scenario): Promise<void> {
  let rehearsal = await rehearse(scenario, surroundings());
  for (const { step, ...trap } of tally.pick(name, refusalsIn(rehearsal))) {
    const what = `${name}: ${step}: ${JSON.stringify(trap)}`;
    const leaked = figures.leaks.length;
    try {
      const outcome = await runInto(trap, scenario, rehearsal);
      const wrong = wrongReport(outcome.told, outcome.refused, trap);
      if (wrong) figures.wrongReports.push(`${what}: ${wrong}`);
      const leaks = leaksOf(scenario, rehearsal, trap, outcome);
      if (leaks.length > 0) figures.leaks.push(`${what}:\n${leaks.join('\n')}`);
      await leadOn(scenario, rehearsal, trap, outcome);
    } catch (error) {
      figures.leaks.push(`${what}: ${(error as Error).message}`);
    }
    if (figures.leaks.length > leaked) {
      await rehearsal.close().catch(() => {});
      rehearsal = await rehearse(scenario, surroundings());
    }
  }
  // what went wrong before may be why it does not end well
  await rehearsal.close().catch((error: Error) => figures.leaks.push(`${name}: ${error.message}`));
}

describe('every kernel step refused, in every plan', () => {
  it.each(names)(
    'B07 %s: nothing is left or all is there, and the first error is told',
    {
      timeout: 120_000,
    },
    async (name) => {
      const { leaks, wrongReports } = figures;
      const already = [leaks.length, wrongReports.length];
      await sweep(name, scenariosIn(surroundings())[name] as Scenario);
      expect(leaks.slice(already[0])).toEqual([]);
      expect(wrongReports.slice(already[1])).toEqual([]);
    },
  );
});
