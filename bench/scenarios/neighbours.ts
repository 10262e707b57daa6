import { availableParallelism } from 'node:os';
import { Host, HostError } from '../host/host.ts';
import { catalogue, type PeerKey } from '../peers/catalogue.ts';
import {
  type Limits,
  measurePair,
  type Pair,
  type PairResult,
  type PairSamples,
  summarizePairs,
  warmUp,
} from './pairs.ts';

/** Peers that were not measured, or not to the end. */
export interface Absent {
  peer: PeerKey;
  /** the missing program, or the error */
  reason: string;
}

export interface NeighbourResults {
  pairs: PairResult[];
  absent: Absent[];
}

export interface NeighbourPlan {
  peers: readonly PeerKey[];
  /** pairs of peers that are measured together, of those that could be opened */
  pairsOf(peers: readonly PeerKey[]): Pair[];
  /** ascending */
  populations: readonly number[];
  pair: Limits;
  /** how often everything is opened and measured anew, in the opposite order every other time */
  sittings: number;
  /** of a peer, before anything is measured */
  warmUpOf(peer: PeerKey): Limits;
  /** for all of them, to get to the next population */
  populateWithinMs: number;
  report(line: string): void;
}

const netavarks: PeerKey[] = ['netavark-nftables', 'netavark-iptables'];

/** netloom beside each of them, the floor beside itself without settings, and the door beside the executable that it replaces, the newer of two. */
export function pairsAmong(peers: readonly PeerKey[]): Pair[] {
  const others: Partial<Record<PeerKey, PeerKey[]>> = {
    netloom: peers.filter((peer) => peer !== 'netloom' && peer !== 'floor-bare'),
    floor: peers.filter((peer) => peer === 'floor-bare'),
    door: netavarks.filter((peer) => peers.includes(peer)).slice(0, 1),
  };
  return peers.flatMap((one) => (others[one] ?? []).map((other) => ({ one, other })));
}

/**
 * Puts each peer on its own host and lets all of them grow together; measures pair after pair at each population.
 * A build that was opened first measures up to a fifth slower than the same build opened last: of builds that are to be
 * compared, each is opened first in every other sitting.
 */
export async function measureNeighbours(plan: NeighbourPlan): Promise<NeighbourResults> {
  const samples: PairSamples[] = [];
  const absent: Absent[] = [];
  for (let sitting = 0; sitting < plan.sittings; sitting++) {
    const neighbours = new Neighbours(plan);
    try {
      await neighbours.open(sitting % 2 === 0 ? plan.peers : plan.peers.toReversed());
      samples.push(...(await measureAll(neighbours, plan)));
      absent.push(...neighbours.absent.filter(({ peer }) => !absent.some((known) => known.peer === peer)));
    } finally {
      await neighbours.close();
    }
  }
  return { pairs: summarizePairs(samples), absent };
}

async function measureAll(neighbours: Neighbours, plan: NeighbourPlan): Promise<PairSamples[]> {
  const samples: PairSamples[] = [];
  let present = 0;
  for (const population of plan.populations) {
    await neighbours.grow(present, population);
    present = population;
    for (const pair of plan.pairsOf(neighbours.peers)) samples.push(...(await neighbours.measure(pair, present)));
  }
  return samples;
}

class Neighbours {
  readonly #hosts = new Map<PeerKey, Host>();
  readonly absent: Absent[] = [];

  constructor(private readonly plan: NeighbourPlan) {}

  get peers(): PeerKey[] {
    return this.plan.peers.filter((peer) => this.#hosts.has(peer));
  }

  async open(peers: readonly PeerKey[]): Promise<void> {
    for (const peer of peers) {
      const reason = catalogue[peer]().missing();
      if (reason === null) await this.#open(peer);
      else await this.#miss(peer, `missing: ${reason}`);
    }
  }

  async #open(peer: PeerKey): Promise<void> {
    const host = new Host(peer);
    this.#hosts.set(peer, host);
    await this.#try(peer, async () => {
      await host.ask('open', peer);
      await warmUp(host, this.plan.warmUpOf(peer));
    });
  }

  /** Runs as many at once as there are processors, in the order of the plan. A peer that is not ready in time is not measured further. */
  async grow(from: number, to: number): Promise<void> {
    if (from === to) return;
    const startedMs = performance.now();
    const waiting = this.peers;
    const growOneByOne = async () => {
      for (let peer = waiting.shift(); peer; peer = waiting.shift()) await this.#grow(peer, { from, to, startedMs });
    };
    await Promise.all(Array.from({ length: availableParallelism() }, growOneByOne));
    this.plan.report(`${to} containers each (${((performance.now() - startedMs) / 1_000).toFixed(0)} s)`);
  }

  #grow(peer: PeerKey, { from, to, startedMs }: { from: number; to: number; startedMs: number }): Promise<void> {
    return this.#try(peer, async (host) => {
      const withinMs = Math.max(0, startedMs + this.plan.populateWithinMs - performance.now());
      const reached = await host.ask('populate', { from, to, withinMs });
      const seconds = this.plan.populateWithinMs / 1_000;
      if (reached < to)
        throw new Error(`there were ${reached} of ${to} containers when the ${seconds} s for all were over`);
      await host.ask('settle', null);
    });
  }

  /** One result; none when one of the two could not be measured. */
  async measure(pair: Pair, present: number): Promise<PairSamples[]> {
    const [one, other] = [this.#hosts.get(pair.one), this.#hosts.get(pair.other)];
    if (!one || !other) return [];
    try {
      const measured = await measurePair({ one, other }, this.plan.pair);
      this.plan.report(`${present} present: ${pair.one} and ${pair.other}: ${measured.setup.one.length} rounds`);
      return [{ ...pair, present, ...measured }];
    } catch (error) {
      await this.#miss(
        error instanceof HostError && error.host === pair.one ? pair.one : pair.other,
        (error as Error).message,
      );
      return [];
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#hosts.values()].map((host) => host.close()));
  }

  async #try(peer: PeerKey, work: (host: Host) => Promise<void>): Promise<void> {
    try {
      await work(this.#hosts.get(peer) as Host);
    } catch (error) {
      await this.#miss(peer, (error as Error).message);
    }
  }

  /** The others are measured all the same. */
  async #miss(peer: PeerKey, reason: string): Promise<void> {
    this.absent.push({ peer, reason });
    this.plan.report(`without ${peer}: ${reason}`);
    await this.#hosts.get(peer)?.close();
    this.#hosts.delete(peer);
  }
}
