import { EventEmitter } from 'node:events';
import { bytesText } from '../core/bytes.ts';
import type { StorageView } from '../core/view.ts';
import { freeBytesOf, storageFull } from './room.ts';

export interface StorageGuardOptions {
  runDirectory: string;
  stateDirectory: string;
  /** pages of the journal that nothing is on: adds some where there are few; answers how many bytes there are */
  keepReserve(): number;
  /** facts that wait for the stream */
  pending(): number;
}

export interface StorageGuardEvents {
  /** what is refused from now on, and why */
  full: [message: string];
  freed: [];
}

/** Commands that build are refused below this: what is up can still be changed, and taken down. */
const runMarginBytes = 2 * 2 ** 20;
/** Below this nothing is given to the stream: a nats-server that finds no room for a message stops answering all clients. */
const stateMarginBytes = 2 * 2 ** 20;
/** Facts are some 700 bytes each. */
const mostPending = 30_000;
const everyMs = 1_000;
/** A look is good for so long. */
const freshMs = 50;

/** Watches over the free space where the daemon writes, so that it stops before they are full. */
export class StorageGuard extends EventEmitter<StorageGuardEvents> {
  readonly #options: StorageGuardOptions;
  readonly #timer: NodeJS.Timeout;
  #reservedBytes = 0;
  #seen: Omit<StorageView, 'reservedBytes'> = { runFreeBytes: 0, stateFreeBytes: 0, refused: null };
  #seenAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: StorageGuardOptions) {
    super();
    this.#options = options;
    this.#timer = setInterval(() => this.#keep(), everyMs).unref();
    this.#keep();
  }

  /** Throws storage.full where nothing further is to be built. */
  refuseWhenFull(): void {
    const { refused } = this.#look();
    if (refused !== null) throw storageFull(this.#reason(refused));
  }

  /** Whether the own nats-server can take events. */
  hasRoomForEvents(): boolean {
    return this.#look().stateFreeBytes >= stateMarginBytes;
  }

  view(): StorageView {
    return { ...this.#look(), reservedBytes: this.#reservedBytes };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #keep(): void {
    this.#look();
    this.#reservedBytes = this.#options.keepReserve();
  }

  #look(): Omit<StorageView, 'reservedBytes'> {
    if (performance.now() - this.#seenAtMs < freshMs) return this.#seen;
    const { runDirectory, stateDirectory, pending } = this.#options;
    const before = this.#seen.refused;
    const runFreeBytes = freeBytesOf(runDirectory);
    const refused = runFreeBytes < runMarginBytes ? 'run' : pending() > mostPending ? 'events' : null;
    this.#seen = { runFreeBytes, stateFreeBytes: freeBytesOf(stateDirectory), refused };
    this.#seenAtMs = performance.now();
    if (refused !== null && refused !== before) this.emit('full', this.#reason(refused));
    if (refused === null && before !== null) this.emit('freed');
    return this.#seen;
  }

  #reason(refused: 'run' | 'events'): string {
    const { runDirectory, stateDirectory } = this.#options;
    return refused === 'run'
      ? `the file system of ${runDirectory} has less than ${bytesText(runMarginBytes)} left: nothing is set up until there is more room; what is up can be taken down`
      : `more than ${mostPending} events wait for room on the file system of ${stateDirectory}: nothing is set up until they have it; what is up can be taken down`;
  }
}
