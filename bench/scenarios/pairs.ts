import type { Host } from '../host/host.ts';
import type { PeerKey } from '../peers/catalogue.ts';
import { type Summary, summarize } from '../statistics.ts';

export interface Pair {
  one: PeerKey;
  other: PeerKey;
}

export interface Limits {
  rounds: number;
  /** no further round begins after this; three are always made */
  withinMs: number;
}

export interface PairResult extends Pair {
  /** containers that each of the two has beside the one that comes and goes */
  present: number;
  setup: { one: Summary; other: Summary };
  teardown: { one: Summary; other: Summary };
}

const fewestRounds = 3;

/** The first index of the containers that come and go: after all that stay. */
export const firstGuest = 2_000;
export const guests = 500;

/**
 * Measures both in turn, each with one container that comes and goes. Which one begins alternates, so other work of the
 * machine affects both alike.
 */
export async function measurePair(
  hosts: Record<'one' | 'other', Host>,
  limits: Limits,
): Promise<Pick<PairResult, 'setup' | 'teardown'>> {
  const samples = {
    one: { setup: [] as number[], teardown: [] as number[] },
    other: { setup: [] as number[], teardown: [] as number[] },
  };
  const deadline = performance.now() + limits.withinMs;
  for (let round = 0; round < limits.rounds; round++) {
    if (round >= fewestRounds && performance.now() > deadline) break;
    for (const side of round % 2 === 0 ? (['one', 'other'] as const) : (['other', 'one'] as const)) {
      const index = firstGuest + (round % guests);
      samples[side].setup.push(await hosts[side].ask('setup', index));
      samples[side].teardown.push(await hosts[side].ask('teardown', index));
    }
  }
  const both = (what: 'setup' | 'teardown') => ({
    one: summarize(samples.one[what]),
    other: summarize(samples.other[what]),
  });
  return { setup: both('setup'), teardown: both('teardown') };
}

/** Not measured: code is compiled, caches are filled, and everything that exists once is made. */
export async function warmUp(host: Host, { rounds, withinMs }: Limits): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (let round = 0; round < rounds && performance.now() < deadline; round++) {
    const index = firstGuest + (round % guests);
    await host.ask('setup', index);
    await host.ask('teardown', index);
  }
}
