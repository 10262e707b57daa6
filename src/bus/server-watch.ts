import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/nats-core';
import { within } from '../threads/within.ts';
import type { BusLog } from './log.ts';
import type { ManagedServer } from './server.ts';

export interface ServerWatchOptions {
  server: Pick<ManagedServer, 'replace'>;
  /** which the daemon has its commands from */
  commands: NatsConnection;
  /** which events are published on: a server that finds no room for one hears nothing more of that connection */
  events: NatsConnection;
  /** facts that wait, and the last one that the stream has */
  progress(): { pending: number; sequence: number };
  hasRoom(): boolean;
  log: BusLog;
}

const lookEveryMs = 2_000;
const answersWithinMs = 5_000;
/** A process that was stopped itself, or is very busy, must not think that the time has passed for the server. */
const slices = 20;
/** A store that takes no event after so many starts is moved away. */
const mostFruitless = 2;

/**
 * Asks the own nats-server again and again whether it is there: its connections, and JetStream. One that is stuck, which a full
 * disk or SIGSTOP does to it, is killed and started again; what it had acknowledged is in its store.
 */
export class ServerWatch {
  readonly #options: ServerWatchOptions;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  /** the last fact that the stream had at the last start, and how many starts have not changed that */
  #sequence: number | null = null;
  #fruitless = 0;

  constructor(options: ServerWatchOptions) {
    this.#options = options;
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await delay(lookEveryMs, undefined, { signal }).catch(() => {});
      const stuck = signal.aborted ? null : await this.#look();
      if (stuck !== null && !signal.aborted) this.#replace(stuck);
    }
  }

  /** What does not answer; null: all is well, or there is no connection at all, which is another's to mend. */
  async #look(): Promise<string | null> {
    const { commands, events } = this.#options;
    const looks: [string, Promise<unknown>][] = [
      ['JetStream', commands.request('$JS.API.INFO', undefined, { timeout: 2 * answersWithinMs })],
      ['the connection for events', events.flush()],
    ];
    const found = await Promise.all(
      looks.map(async ([name, answer]) => ((await this.#settlesInTime(answer)) ? null : name)),
    );
    return found.find((name) => name !== null) ?? null;
  }

  /** A refusal, or a connection that is lost, is an answer, too. */
  async #settlesInTime(answer: Promise<unknown>): Promise<boolean> {
    const settled = answer.catch(() => {});
    for (let slice = 0; slice < slices; slice++)
      if (this.#stopping.signal.aborted || (await within(answersWithinMs / slices, settled))) return true;
    return false;
  }

  #replace(stuck: string): void {
    const { server, progress, hasRoom, log } = this.#options;
    const { pending, sequence } = progress();
    const isFruitless = pending > 0 && hasRoom() && sequence === this.#sequence;
    this.#fruitless = isFruitless ? this.#fruitless + 1 : 0;
    this.#sequence = sequence;
    const withFreshStore = this.#fruitless >= mostFruitless;
    log.error({ stuck, pending, withFreshStore }, 'nats-server does not answer; it is killed and started again');
    if (withFreshStore) this.#fruitless = 0;
    server.replace({ withFreshStore });
  }
}
