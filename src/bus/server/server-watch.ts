import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/nats-core';
import { within } from '../../threads/within.ts';
import { ConnectionWatch } from './connection-watch.ts';
import type { BusLog } from './log.ts';
import type { ManagedServer } from './server.ts';

export interface ServerWatchOptions {
  server: Pick<ManagedServer, 'pid' | 'isStoreLost' | 'replace'>;
  /** which the daemon has its commands from */
  commands: NatsConnection;
  /** which events are published on: a server that finds no room for one hears nothing more of that connection */
  events: NatsConnection;
  /** facts that wait, and the last one that the stream has */
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
  /** the server was connected to all the time, so its silence may be its store's fault */
  isConnected: boolean;
}

/** A process that was stopped itself, or is very busy, must not think that the time has passed for the server. */
const slices = 20;
/** A store that takes no event after so many starts is moved away. */
const mostFruitless = 2;

/**
 * Asks the own nats-server again and again whether it is there: its connections, and JetStream. One that is stuck, which a full
 * disk or SIGSTOP does to it, is killed and started again; what it had acknowledged is in its store. While no server runs,
 * nothing is asked: its supervisor starts it, and its absence says nothing about its store.
 */
export class ServerWatch {
  readonly #options: ServerWatchOptions;
  readonly #lookEveryMs: number;
  readonly #answersWithinMs: number;
  readonly #connections: { name: string; watch: ConnectionWatch }[];
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  /** how often one of the connections was lost: what was asked before such a loss is not answered any more */
  #losses = 0;
  /** the last fact that the stream had at the last start, and how many starts have not changed that */
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

  /** A server that runs is connected to again within a moment, unless it stands still. */
  async #reconnect(): Promise<Stuck | null> {
    const silent = await this.#silent(this.#connections.map(({ name, watch }) => [name, watch.up()]));
    return silent === null ? null : { reason: `${silent} does not come back`, isConnected: false };
  }

  /** The first of these that gives no answer in time. */
  async #silent(looks: [name: string, answer: Promise<unknown>][]): Promise<string | null> {
    const found = await Promise.all(
      looks.map(async ([name, answer]) => ((await this.#settlesInTime(answer)) ? null : name)),
    );
    return found.find((name) => name !== null) ?? null;
  }

  /** A refusal, or a connection that is lost, is an answer, too. */
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

  /** A fresh store is judged anew. */
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
