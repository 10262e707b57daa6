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

/** Milliseconds of each round. */
interface Samples {
  one: number[];
  other: number[];
}

/** What one sitting measured of a pair. */
export interface PairSamples extends Pair {
  present: number;
  setup: Samples;
  teardown: Samples;
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
): Promise<Pick<PairSamples, 'setup' | 'teardown'>> {
  const samples: Pick<PairSamples, 'setup' | 'teardown'> = {
    setup: { one: [], other: [] },
    teardown: { one: [], other: [] },
  };
  const deadline = performance.now() + limits.withinMs;
  for (let round = 0; round < limits.rounds; round++) {
    if (round >= fewestRounds && performance.now() > deadline) break;
    for (const side of round % 2 === 0 ? (['one', 'other'] as const) : (['other', 'one'] as const)) {
      const index = firstGuest + (round % guests);
      samples.setup[side].push(await hosts[side].ask('setup', index));
      samples.teardown[side].push(await hosts[side].ask('teardown', index));
    }
  }
  return samples;
}

/** One result for each pair and number of containers present, of all sittings together. */
export function summarizePairs(sittings: readonly PairSamples[]): PairResult[] {
  const isSame = (one: PairSamples) => (other: PairSamples) =>
    one.one === other.one && one.other === other.other && one.present === other.present;
  const firsts = sittings.filter((each, index) => sittings.findIndex(isSame(each)) === index);
  return firsts.map((first) => {
    const { one, other, present } = first;
    const same = sittings.filter(isSame(first));
    const both = (what: 'setup' | 'teardown') => ({
      one: summarize(same.flatMap((each) => each[what].one)),
      other: summarize(same.flatMap((each) => each[what].other)),
    });
    return { one, other, present, setup: both('setup'), teardown: both('teardown') };
  });
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
