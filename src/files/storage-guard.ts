import { EventEmitter } from 'node:events';
import { bytesText } from '../core/bytes.ts';
import { systemErrorText } from '../core/system-error.ts';
import type { StorageView } from '../core/view.ts';
import { type Room, roomOf, storageFull } from './free-space.ts';
import { mostFactsToBuild } from './outbox-limits.ts';

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
  /** what cannot be looked at from now on, and why */
  unknown: [message: string];
}

/** Commands that build are refused below this: what is up can still be changed, and taken down. */
const runMarginBytes = 2 * 2 ** 20;
/** Below this nothing is given to the stream: a nats-server that finds no room for a message stops answering all clients. */
const stateMarginBytes = 2 * 2 ** 20;
const everyMs = 1_000;
/** A look is good for so long. */
const freshMs = 50;

/**
 * Watches over the free space where the daemon writes, so that it stops before the disks are full. A file system that cannot be
 * looked at has none.
 */
export class StorageGuard extends EventEmitter<StorageGuardEvents> {
  readonly #options: StorageGuardOptions;
  #timer: NodeJS.Timeout | undefined;
  #reservedBytes = 0;
  #seen: Omit<StorageView, 'reservedBytes'> = { runFreeBytes: 0, stateFreeBytes: 0, refused: null };
  #seenAtMs = Number.NEGATIVE_INFINITY;
  #run: Room = { freeBytes: 0, unknown: null };
  /** what could not be looked at last, and why */
  readonly #unknown = new Map<string, string>();

  constructor(options: StorageGuardOptions) {
    super();
    this.#options = options;
  }

  /** Reports the first measurement: listeners are attached by now. */
  start(): void {
    this.#timer = setInterval(() => this.#keep(), everyMs).unref();
    this.#keep();
  }

  /** Throws storage.full where nothing further is to be built. */
  refuseWhenFull(): void {
    const { refused } = this.#look();
    if (refused !== null) throw storageFull(this.#reason(refused));
  }

  /** Checks whether the own nats-server can take events. */
  hasRoomForEvents(): boolean {
    // not by an older look: what is published to a disk that is full stops the server
    return this.#roomOf(this.#options.stateDirectory).freeBytes >= stateMarginBytes;
  }

  view(): StorageView {
    return { ...this.#look(), reservedBytes: this.#reservedBytes };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #keep(): void {
    this.#look();
    try {
      this.#reservedBytes = this.#options.keepReserve();
      this.#note('the journal', null);
    } catch (error) {
      this.#note('the journal', systemErrorText(error as Error));
    }
  }

  #look(): Omit<StorageView, 'reservedBytes'> {
    if (performance.now() - this.#seenAtMs < freshMs) return this.#seen;
    const { pending } = this.#options;
    const before = this.#seen.refused;
    this.#run = this.#roomOf(this.#options.runDirectory);
    const stateFreeBytes = this.#roomOf(this.#options.stateDirectory).freeBytes;
    const runFreeBytes = this.#run.freeBytes;
    const refused = runFreeBytes < runMarginBytes ? 'run' : pending() > mostFactsToBuild ? 'events' : null;
    this.#seen = { runFreeBytes, stateFreeBytes, refused };
    this.#seenAtMs = performance.now();
    if (refused !== null && refused !== before) this.emit('full', this.#reason(refused));
    if (refused === null && before !== null) this.emit('freed');
    return this.#seen;
  }

  #roomOf(directory: string): Room {
    const room = roomOf(directory);
    this.#note(`the file system of ${directory}`, room.unknown);
    return room;
  }

  /** Reports it once while it lasts. */
  #note(what: string, why: string | null): void {
    if (why === null) this.#unknown.delete(what);
    else if (this.#unknown.get(what) !== why) {
      this.#unknown.set(what, why);
      this.emit('unknown', `${what} cannot be looked at: ${why}`);
    }
  }

  #reason(refused: 'run' | 'events'): string {
    const { runDirectory, stateDirectory } = this.#options;
    const { unknown } = this.#run;
    const low = unknown === null ? `has less than ${bytesText(runMarginBytes)} left` : `cannot be read (${unknown})`;
    return refused === 'run'
      ? `the file system of ${runDirectory} ${low}: nothing is set up until there is more room; what is up can be taken down`
      : `more than ${mostFactsToBuild} events wait for room on the file system of ${stateDirectory}: nothing is set up until they have it; what is up can be taken down`;
  }
}
