import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkedRequest, runs } from '../../src/bus/commands/runs.ts';
import { type CommandName, verbs } from '../../src/contract/commands.ts';
import { networkAddress } from '../../src/core/actor-address.ts';
import { faultOf } from '../../src/core/fault.ts';
import { hostVethName } from '../../src/core/object-names.ts';
import { seeded } from '../support/seeded.ts';
import { type Known, type Move, Moves, pidOf, processSlots } from './walk-commands.ts';
import { fakeHost, linuxHost, type WalkHost, type WalkSettings } from './walk-hosts.ts';
import { Plain } from './walk-plain.ts';

/** Another seed is another walk: NETLOOM_WALK_SEED=7 npx vitest run test/actors/walk.test.ts */
const seed = Number(process.env.NETLOOM_WALK_SEED ?? 1);
const count = Number(process.env.NETLOOM_WALK_COMMANDS ?? 2_000);

const settings: WalkSettings = {
  workers: 2,
  uplink: { name: 'up0', address: '10.50.0.1/16' },
  foreignNetns: 'somebody',
  takenPort: 8_003,
};

/** What a move led to, in words that both hosts have. */
interface Outcome {
  answer: unknown;
  facts: unknown;
  views: unknown;
  picture: Record<string, string[]>;
}

/** One of the two daemons, and the processes that its walk knows. */
class Walker {
  readonly pids: number[] = [];
  /** those of processes that have ended, too: containers remember them */
  readonly #symbols = new Map<number, string>();
  readonly plain = new Plain(() => this.#symbols);
  /** the last answer as it was */
  last = '';
  #commands = 0;

  constructor(readonly host: WalkHost) {}

  async start(): Promise<void> {
    for (let slot = 0; slot < processSlots; slot++) await this.#startProcess(slot);
    await this.host.daemon.start();
    this.host.daemon.facts();
  }

  async make(move: Move): Promise<unknown> {
    const { daemon } = this.host;
    switch (move.kind) {
      case 'command':
        return this.say(move.name, move.request, move.id);
      case 'end-process':
        await this.#endProcess(move.slot);
        return null;
      case 'delete-link':
        this.host.deleteLink(hostVethName(move.container, move.network));
        await daemon.settle();
        return null;
      case 'lose-definition':
        if (this.host.loseDefinition(move.network))
          daemon.tell(networkAddress(move.network), { type: 'definition.lost' });
        await daemon.settle();
        return null;
    }
  }

  /** As the bus does it, from bytes to bytes. */
  async say<C extends CommandName>(name: C, request: Record<string, unknown>, id: string | null): Promise<unknown> {
    const { daemon } = this.host;
    const text = JSON.stringify(request, (_, value) => this.#pidFor(value));
    this.#commands += 1;
    const identity = { id: id ?? `fresh${this.#commands}`, kept: id !== null };
    let answer: unknown;
    try {
      const output = await runs[name](daemon.engine, checkedRequest(name, Buffer.from(text)), identity);
      const checked = verbs[name].reply.safeParse(output);
      if (!checked.success) throw new Error(`the answer to ${name} is not as documented: ${checked.error.message}`);
      answer = { output };
    } catch (error) {
      answer = { refused: faultOf(error) };
    }
    this.last = JSON.stringify(answer);
    await daemon.settle();
    return this.plain.of(answer);
  }

  known(): Known {
    const { engine } = this.host.daemon;
    return {
      containers: engine.containers().containers.map(({ id }) => id),
      networks: engine.networks().networks.map(({ name }) => name),
    };
  }

  outcome(answer: unknown, facts: unknown): Outcome {
    const { engine } = this.host.daemon;
    const views = this.plain.of([engine.containers(), engine.networks()]);
    return { answer, facts, views, picture: this.host.picture() };
  }

  /** Facts that have come since; of one source in their order. */
  facts(): unknown {
    const facts = this.host.daemon.facts().map(({ source, fact, data }) => ({ source, fact, data }));
    return this.plain.of(
      facts.sort((one, other) => (one.source < other.source ? -1 : Number(one.source > other.source))),
    );
  }

  async #endProcess(slot: number): Promise<void> {
    const pid = this.pids[slot] as number;
    const { daemon } = this.host;
    await this.host.endProcess(pid);
    await until(() => daemon.watching(pid).length === 0);
    await daemon.settle();
    await this.#startProcess(slot);
  }

  async #startProcess(slot: number): Promise<void> {
    const pid = await this.host.startProcess();
    this.pids[slot] = pid;
    this.#symbols.set(pid, pidOf(slot));
  }

  #pidFor(value: unknown): unknown {
    const slot = this.pids.findIndex((_, index) => value === pidOf(index));
    return slot < 0 ? value : this.pids[slot];
  }
}

/** A container that joins a network in somebody's namespace brings up its loopback, which stays up for who made the namespace. */
function withForeignLoopbackDown(picture: Record<string, unknown>): Record<string, unknown> {
  const links = picture[`${settings.foreignNetns} links`] as string[];
  const down = links.map((link) => link.replace(/^lo loopback up /, 'lo loopback down '));
  return { ...picture, [`${settings.foreignNetns} links`]: down };
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let round = 0; round < 1_000 && !isTrue(); round++) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(isTrue()).toBe(true);
}

describe(`${count} random commands`, () => {
  let linux: Walker;
  let fake: Walker;
  let moves: Moves;
  const history: Move[] = [];

  beforeAll(async () => {
    const { host, netnsDirectory } = await linuxHost(settings);
    linux = new Walker(host);
    fake = new Walker(fakeHost(settings, netnsDirectory));
    moves = new Moves(seeded(seed), settings, netnsDirectory, () => linux.known());
    await linux.start();
    await fake.start();
  });
  afterAll(async () => {
    await linux?.host.close();
    await fake?.host.close();
  });

  /** Links go a moment after their namespace on one host, at once on the other: their pictures are waited for. */
  async function compare(move: Move): Promise<unknown> {
    history.push(move);
    const [real, inMemory] = [await linux.make(move), await fake.make(move)];
    const [realFacts, factsInMemory] = [linux.facts(), fake.facts()];
    let [one, other] = [linux.outcome(real, realFacts), fake.outcome(inMemory, factsInMemory)];
    for (let round = 0; round < 200 && !isDeepStrictEqual(one.picture, other.picture); round++) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      [one, other] = [linux.outcome(real, realFacts), fake.outcome(inMemory, factsInMemory)];
    }
    if (!isDeepStrictEqual(one, other)) {
      const last = history
        .slice(-12)
        .map((made) => JSON.stringify(made))
        .join('\n');
      expect(
        one,
        `seed ${seed}, move ${history.length}; Linux is what was received; answer ${linux.last}; the last moves:\n${last}`,
      ).toEqual(other);
    }
    return one.answer;
  }

  it('have the same answers, facts, views and traces in the kernel, on Linux and on the host in memory', async () => {
    const before = linux.host.picture();
    expect(before).toEqual(fake.host.picture());
    const startedMs = performance.now();
    const tally = new Map<string, number>();
    let said = 0;
    while (said < count) {
      const move = moves.next();
      const answer = await compare(move);
      if (move.kind !== 'command') continue;
      said += 1;
      const { refused } = answer as { refused?: { code: string } };
      tally.set(refused?.code ?? 'accepted', (tally.get(refused?.code ?? 'accepted') ?? 0) + 1);
    }
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    const accepted = tally.get('accepted') ?? 0;
    tally.delete('accepted');
    console.log(
      `walk: seed ${seed}, ${said} commands in ${seconds} s: ${accepted} accepted, ${said - accepted} refused ` +
        `(${[...tally]
          .sort((one, other) => other[1] - one[1])
          .map(([code, times]) => `${code} ${times}`)
          .join(', ')})`,
    );
    expect(linux.host.daemon.unexpected).toEqual([]);
    expect(fake.host.daemon.unexpected).toEqual([]);

    const { containers } = linux.host.daemon.engine.containers();
    for (const { id } of containers)
      await compare({ kind: 'command', name: 'container.remove', request: { id, force: true }, id: null });
    const { networks } = linux.host.daemon.engine.networks();
    for (const { name } of networks)
      await compare({ kind: 'command', name: 'network.remove', request: { name }, id: null });
    // IPv4 forwarding stays on, and what keeps links of others apart with it
    const after = { ...before, elements: ['closed_families { ipv4 }'] };
    expect(withForeignLoopbackDown(linux.host.picture())).toEqual(after);
    expect(withForeignLoopbackDown(fake.host.picture())).toEqual(after);
  }, 300_000);
});
