/** `npm run test:sweeps` tries every case of a sweep; `npm test` tries one in ten. */
const oneIn = process.env.SWEEPS === 'all' ? 1 : 10;

/**
 * The cases of a scenario that this run tries: the same in every run, at least one, and spread over all of them. Which is the first depends
 * on the scenario's name, so a step that is left out in one scenario is tried in another.
 */
export function triedOf<Case>(scenario: string, cases: readonly Case[]): Case[] {
  const characters = [...scenario].reduce((sum, character) => sum + character.charCodeAt(0), 0);
  const first = characters % Math.max(1, Math.min(oneIn, cases.length));
  return cases.filter((_, index) => index % oneIn === first);
}

/** How often something is repeated in this run. */
export const triedTimes = (times: number): number => Math.ceil(times / oneIn);

/** The cases that a sweep tried, by scenario, and their total. */
export class Tally {
  readonly #scenarios = new Map<string, { tried: number; cases: number }>();

  /** Counts the cases of a scenario, and returns those to try. */
  pick<Case>(scenario: string, cases: readonly Case[]): Case[] {
    const tried = triedOf(scenario, cases);
    this.#scenarios.set(scenario, { tried: tried.length, cases: cases.length });
    return tried;
  }

  /** `38 of 114 deaths (connect 7 of 20, disconnect 2 of 6)` */
  summary(noun: string): string {
    const counts = [...this.#scenarios];
    const total = (kind: 'tried' | 'cases') => counts.reduce((sum, [, count]) => sum + count[kind], 0);
    const each = counts.map(([scenario, { tried, cases }]) => `${scenario} ${tried} of ${cases}`);
    return `${total('tried')} of ${total('cases')} ${noun} (${each.join(', ')})`;
  }
}
