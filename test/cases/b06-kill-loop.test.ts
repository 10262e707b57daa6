import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Facts, strays } from '../daemon/kill-loop-facts.ts';
import { KillFigures } from '../daemon/kill-loop-figures.ts';
import { Ground } from '../daemon/kill-loop-ground.ts';
import { type Heard, heardNothing, KillHost } from '../daemon/kill-loop-host.ts';
import { kinds, type Trial } from '../daemon/kill-loop-trials.ts';
import { untilAnswered } from '../support/daemon.ts';
import { seeded } from '../support/seeded.ts';
import { triedTimes } from '../support/sweeps.ts';

/**
 * The daemon is killed at a random moment of commands that have several steps, and started again. What callers heard must agree
 * with what is there: a command that was reported as failed has left nothing, one that was reported as done is done, and one without
 * an answer is done or not begun. KILLS: how often; SEED: the same again; KINDS: only kinds whose names contain this.
 */

const kills = Number(process.env.KILLS ?? triedTimes(36));
const seed = Number(process.env.SEED ?? Date.now() % 100_000);
const chosen = Object.keys(kinds).filter((kind) => kind.includes(process.env.KINDS ?? ''));
/** Commands that are under way at once. */
const commandsPerKill = Math.min(3, chosen.length);
/** The daemon of this time may finish what the former one began: only an end for what hangs. */
const settlingMs = 30_000;

const random = seeded(seed);
const never = new AbortController().signal;
const figures = new KillFigures();
/** How long each kind takes when nothing happens. */
const durations: Record<string, number> = {};
let host: KillHost;
let serial = 0;

beforeAll(async () => {
  host = await KillHost.open();
});
afterAll(async () => {
  console.info(`seed ${seed}\n${figures.table()}`);
  expect(await host.close()).toEqual([]);
});

interface Course {
  kind: string;
  ground: Ground;
  trial: Trial;
}

async function prepared(kind: string): Promise<Course> {
  const ground = new Ground(host, serial++, random);
  const trial = await (kinds[kind] as (typeof kinds)[string])(ground, () => ground.facts());
  return { kind, ground, trial };
}

// ------------------------------------------------------------------------------------------------------------ verdicts

/** The name of the whole end that is there, after a while; null: none. */
async function endOf({ ground, trial }: Course): Promise<{ end: string | null; facts: Facts }> {
  let facts = null as Facts | null;
  const find = async () => {
    facts = await ground.facts();
    const found = Object.entries(trial.ends).find(([, whole]) => isDeepStrictEqual(whole, facts));
    if (!found) throw new Error('half-way');
    return found[0];
  };
  const end = await untilAnswered(find, settlingMs).catch((error) => {
    if (facts === null) throw error;
    return null;
  });
  return { end, facts: facts as Facts };
}

/** What must be there after such an answer; null: any whole end. */
const dueEnd = ({ how }: Heard): string | null => (how === 'nothing' ? null : how === 'done' ? 'done' : 'not done');

async function mustAgree(course: Course, heard: Heard, when: string): Promise<void> {
  const { kind, trial } = course;
  const { end, facts } = await endOf(course);
  const due = dueEnd(heard);
  const report =
    heard.how === 'nothing' ? 'without an answer' : `reported as ${heard.how === 'done' ? 'done' : 'failed'}`;
  if (end === null) figures.broken(kind, `${when}${report}, and half-way`, difference(trial, facts, due, heard));
  else if (due !== null && end !== due && Object.hasOwn(trial.ends, due))
    figures.broken(kind, `${when}${report}, and ${end}`, { heard });
  if (heard.how === 'done' && trial.fits && !trial.fits(heard.said))
    figures.broken(kind, `${when}the answer does not say what was done`, { heard });
}

/** Of the end that was due, or of all, what is otherwise. */
function difference({ ends }: Trial, facts: Facts, due: string | null, heard: Heard): unknown {
  const wholes = due !== null && ends[due] ? { [due]: ends[due] } : ends;
  const differs = Object.entries(wholes).map(([name, whole]) => [name, otherwise(whole, facts)]);
  return { heard, ...Object.fromEntries(differs) };
}

function otherwise(whole: Facts, facts: Facts): unknown {
  const of = (noun: 'containers' | 'networks') =>
    Object.entries(facts[noun]).filter(([name, one]) => !isDeepStrictEqual(one, whole[noun][name]));
  return Object.fromEntries([...of('containers'), ...of('networks')]);
}

// --------------------------------------------------------------------------------------------------------- one command

/** Asks once more as a client does that has not heard, and once again: the same answer, and what is there agrees with it. */
async function askAgain(course: Course, first: Heard): Promise<void> {
  const { kind, trial } = course;
  if (!trial.again) return;
  const second = await trial.again();
  const third = await trial.again();
  if (second.how === 'nothing') figures.broken(kind, 'no answer to the same message id', {});
  if (!isDeepStrictEqual(second, third) || (first.how !== 'nothing' && !isDeepStrictEqual(first, second)))
    figures.broken(kind, 'another answer to the same message id', { first, second, third });
  await mustAgree(course, second, 'asked again: ');
}

/** An engine whose set-up has failed begins anew: with another id, the same name, the same addresses and ports. */
async function beginAnew({ kind, trial }: Course, heard: Heard): Promise<void> {
  if (heard.how !== 'failed' || !trial.anew) return;
  const next = await trial.anew();
  if (next.how !== 'done') figures.broken(kind, 'reported as failed, and cannot be begun anew', { heard, next });
}

async function conclude(course: Course, heard: Heard): Promise<void> {
  await mustAgree(course, heard, '');
  await askAgain(course, heard);
  await beginAnew(course, heard);
  await course.ground.leave().catch((error) => {
    figures.broken(course.kind, 'something stays when all is removed', { heard, error: `${error}` });
  });
}

// ------------------------------------------------------------------------------------------------------------ one kill

/** The commands begin so that each has come as far as chance wants when the daemon dies. */
async function killDuring(courses: readonly Course[], withServer: boolean): Promise<Heard[]> {
  const [engine, daemon] = [new AbortController(), new AbortController()];
  const phases = courses.map(({ kind }) => random() * 1.3 * (durations[kind] ?? 100));
  const longest = Math.max(...phases);
  const heard = courses.map(async ({ trial }, index) => {
    await delay(longest - (phases[index] as number));
    return trial.act({ engine: engine.signal, daemon: daemon.signal });
  });
  await delay(longest);
  await host.kill(withServer);
  daemon.abort();
  // whose connection still stands waits for a minute; an engine may die earlier
  if (!withServer) engine.abort();
  return Promise.all(heard);
}

async function killOnce(drawn: readonly string[]): Promise<void> {
  const courses: Course[] = [];
  for (const kind of drawn) courses.push(await prepared(kind));
  const heard = await killDuring(courses, random() < 0.6);
  for (const { trial } of courses) trial.whileDown?.();
  if (random() < 0.25) await host.startAndKill(random());
  await host.start();
  for (const [index, course] of courses.entries()) {
    const one = heard[index] ?? heardNothing;
    figures.killed(course.kind, one.how);
    await conclude(course, one);
  }
  for (const stray of strays(await host.settled())) figures.broken('any', 'a stray is left', { stray, drawn });
}

/** Every kind comes up as often as the others. */
function* draws(): Generator<string[]> {
  let left: string[] = [];
  for (;;) {
    if (left.length < commandsPerKill) left = [...left, ...chosen.toSorted(() => random() - 0.5)];
    yield left.splice(0, commandsPerKill);
  }
}

describe('commands of several steps', () => {
  it.each(chosen)('B06 %s leads to its whole end when nothing happens', { timeout: 60_000 }, async (kind) => {
    const course = await prepared(kind);
    const begun = performance.now();
    const heard = await course.trial.act({ engine: never, daemon: never });
    durations[kind] = performance.now() - begun;
    course.trial.whileDown?.();
    await conclude(course, heard);
    expect(heard.how).not.toBe('failed');
    expect(figures.brokenOf(kind)).toEqual([]);
  });

  it('B06 are done or not begun, as their callers heard, when the daemon is killed', {
    timeout: kills * 60_000,
  }, async () => {
    const drawn = draws();
    for (let kill = 0; kill < kills; kill++) await killOnce(drawn.next().value as string[]);
    expect(figures.allBroken()).toEqual([]);
  });
});
