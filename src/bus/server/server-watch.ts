import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/nats-core';
import { within } from '../../threads/within.ts';
import { ConnectionWatch } from './connection-watch.ts';
import type { BusLog } from './log.ts';
import type { ManagedServer } from './server.ts';

export interface ServerWatchOptions {
  server: Pick<ManagedServer, 'pid' | 'isStoreLost' | 'replace'>;
  /** connection of the commands */
  commands: NatsConnection;
  /** connection on which events are published: a server without room for one reads nothing more from it */
  events: NatsConnection;
  /** waiting facts, and the last one in the stream */
  progress(): { pending: number; sequence: number };
  hasRoom(): boolean;
  log: BusLog;
  /** default 2 s */
  lookEveryMs?: number;
  /** default 5 s */
  answersWithinMs?: number;
}

/** Why the server has to be replaced. */
interface Stuck {
  reason: string;
  /** the connection was up all the time, so the silence may be the fault of its store */
  isConnected: boolean;
}

/** A process that was stopped itself, or is very busy, must not count that time against the server. */
const slices = 20;
/** A store that accepts no event after so many starts is moved away. */
const mostFruitless = 2;

/**
 * Checks the own nats-server periodically: its connections, and JetStream. A stuck server, after a full disk or SIGSTOP, is killed and
 * restarted; acknowledged messages are in its store. While no server runs, nothing is checked: its supervisor starts it,
 * and its absence proves nothing about its store.
 */
export class ServerWatch {
  readonly #options: ServerWatchOptions;
  readonly #lookEveryMs: number;
  readonly #answersWithinMs: number;
  readonly #connections: { name: string; watch: ConnectionWatch }[];
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  /** number of lost connections: requests before a loss are never answered */
  #losses = 0;
  /** the last fact in the stream at the last start, and the number of starts that did not change it */
  #sequence: number | null = null;
  #fruitless = 0;

  constructor(options: ServerWatchOptions) {
    this.#options = options;
    this.#lookEveryMs = options.lookEveryMs ?? 2_000;
    this.#answersWithinMs = options.answersWithinMs ?? 5_000;
    const lost = { down: () => this.#losses++ };
    this.#connections = [
      { name: 'the connection for commands', watch: new ConnectionWatch(options.commands, lost) },
      { name: 'the connection for events', watch: new ConnectionWatch(options.events, lost) },
    ];
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const { watch } of this.#connections) watch.stop();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await delay(this.#lookEveryMs, undefined, { signal }).catch(() => {});
      const found = signal.aborted ? null : await this.#look();
      if (found !== null && !signal.aborted) this.#replace(found);
    }
  }

  /** null: all is well, or no server runs, or another one by now. */
  async #look(): Promise<Stuck | null> {
    const { server } = this.#options;
    const pid = server.pid();
    if (pid === null) return null;
    if (server.isStoreLost()) return { reason: 'its store was removed', isConnected: false };
    const found = this.#connections.every(({ watch }) => watch.isUp()) ? await this.#ask() : await this.#reconnect();
    return server.pid() === pid ? found : null;
  }

  async #ask(): Promise<Stuck | null> {
    const { commands, events } = this.#options;
    const losses = this.#losses;
    const silent = await this.#silent([
      ['JetStream', commands.request('$JS.API.INFO', undefined, { timeout: 2 * this.#answersWithinMs })],
      ['the connection for events', events.flush()],
    ]);
    return silent === null || this.#losses > losses ? null : { reason: `${silent} does not answer`, isConnected: true };
  }

  /** Clients reconnect to a running server within a moment, unless it is stuck. */
  async #reconnect(): Promise<Stuck | null> {
    const silent = await this.#silent(this.#connections.map(({ name, watch }) => [name, watch.up()]));
    return silent === null ? null : { reason: `${silent} does not come back`, isConnected: false };
  }

  /** Finds the first of these that gives no answer in time. */
  async #silent(looks: [name: string, answer: Promise<unknown>][]): Promise<string | null> {
    const found = await Promise.all(
      looks.map(async ([name, answer]) => ((await this.#settlesInTime(answer)) ? null : name)),
    );
    return found.find((name) => name !== null) ?? null;
  }

  /** A refusal, or a lost connection, counts as an answer, too. */
  async #settlesInTime(answer: Promise<unknown>): Promise<boolean> {
    const settled = answer.catch(() => {});
    for (let slice = 0; slice < slices; slice++)
      if (this.#stopping.signal.aborted || (await within(this.#answersWithinMs / slices, settled))) return true;
    return false;
  }

  #replace({ reason, isConnected }: Stuck): void {
    const { server, progress, log } = this.#options;
    const { pending, sequence } = progress();
    if (isConnected) this.#count(pending, sequence);
    const withFreshStore = this.#fruitless >= mostFruitless;
    if (withFreshStore) this.#forget();
    log.error({ reason, pending, withFreshStore }, 'nats-server is killed and started again');
    server.replace({ withFreshStore });
  }

  /** A fresh store starts with a clean record. */
  #forget(): void {
    this.#sequence = null;
    this.#fruitless = 0;
  }

  #count(pending: number, sequence: number): void {
    const isFruitless = pending > 0 && this.#options.hasRoom() && sequence === this.#sequence;
    this.#fruitless = isFruitless ? this.#fruitless + 1 : 0;
    this.#sequence = sequence;
  }
}
