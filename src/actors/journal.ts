import { randomUUID } from 'node:crypto';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { MachineContext, StateValue } from 'xstate';
import type { Announce, Effect } from '../../machines/effect.ts';
import { stateOf } from '../../machines/state.ts';
import type { Outbox, OutboxRecord } from '../contract/outbox.ts';
import { type ActorAddress, actorKind, hostAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/event.ts';
import type { Fault } from '../core/fault.ts';
import type { Plan } from '../core/plan/plan.ts';
import { diskFull, orStorageFull } from '../files/room.ts';
import { JournalReserve } from './journal/reserve.ts';
import { Ledgers } from './journal/ledgers.ts';
import { type Meta, OutboxTable } from './journal/outbox-table.ts';

/** Rows are found by a number, a name, or an actor with something of its own. */
type Key = number | string | [string, number] | [string, string, string];

/** A machine's state as it is kept: everything that XState needs to go on. */
export interface ActorRecord {
  value: StateValue;
  context: MachineContext;
}

/** A message on its way to an actor. It is in the actor's inbox until the commit that it led to. */
export interface Delivery {
  to: ActorAddress;
  sequence: number;
  event: ActorEvent;
}

/** Kernel steps that were decided and whose result is not journalled yet. */
export interface PendingPlan {
  sequence: number;
  plan: Plan;
}

export interface StoredReply {
  time: number;
  output?: unknown;
  fault?: Fault;
  /** which command it answers; absent: one of an older version, or one that never comes again */
  fingerprint?: string;
}

/** A command that was taken and is not answered yet. */
interface Awaited extends Pick<StoredReply, 'time' | 'fingerprint'> {
  awaited: true;
}

export interface Answer extends StoredReply {
  command: string;
}

export interface Commit {
  address: ActorAddress;
  /** null: the actor has ended */
  record: ActorRecord | null;
  /** the context that the last commit kept; null before the first */
  previous: MachineContext | null;
  /** the inbox entry or the pending plan whose event led here */
  consumed: number | null;
  completed: number | null;
  effects: readonly Effect[];
}

export interface Committed {
  deliveries: Delivery[];
  plans: PendingPlan[];
  answers: Answer[];
  /** whether facts were added to the outbox */
  announced: boolean;
}

const mapSizeBytes = 1 << 30;
/** Place in the inbox of the notice that the host was rebooted: before every message. */
export const rebootNotice = 0;
/** Raised when the shape of a machine's context changes, except by optional fields: a journal of another version is refused. */
const journalVersion = 11;

/**
 * What survives. One LMDB environment in the run directory, opened by every thread: it lives as long as the kernel's own
 * state does, so nothing is fsynced, and a commit costs some 30 µs. One commit is one atomic write: the new state, what
 * it consumed, the messages that it sends (straight into the inboxes of those who get them), the plans that it wants
 * carried out, the answers, and the facts. The file is not written through a map: on a full disk that would be a SIGBUS.
 * A write for which there is no room throws storage.full, and nothing of it is kept.
 */
export class Journal implements Outbox {
  readonly epoch: string;
  readonly #environment: RootDatabase;
  readonly #reserve: JournalReserve;
  /** reads are of one instant while this is set */
  #frozen = false;
  readonly #meta: Meta;
  readonly #actors: Database<ActorRecord, string>;
  readonly #ledgers: Ledgers;
  readonly #inbox: Database<ActorEvent, [string, number]>;
  readonly #pending: Database<Plan, [string, number]>;
  readonly #outbox: OutboxTable;
  readonly #replies: Database<StoredReply | Awaited, string>;

  constructor(private readonly directory: string) {
    const options = { encoding: 'json' as const, noSync: true, overlappingSync: false };
    this.#environment = orStorageFull(directory, () =>
      open({ path: `${directory}/journal`, maxDbs: 8, mapSize: mapSizeBytes, ...options }),
    );
    const tables: Pick<Database, 'getStats'>[] = [];
    const table = <V, K extends Key>(name: string): Database<V, K> => {
      const opened = orStorageFull(directory, () => this.#environment.openDB<V, K>({ name, ...options }));
      tables.push(opened);
      return opened;
    };
    this.#meta = table('meta');
    this.#actors = table('actors');
    this.#ledgers = new Ledgers(table('ledgers'));
    this.#inbox = table('inbox');
    this.#pending = table('pending');
    this.#outbox = new OutboxTable(table('outbox'), this.#meta, () =>
      stateOf('host', this.#actors.get(hostAddress) ?? { value: 'absent', context: null }),
    );
    this.#replies = table('replies');
    this.#reserve = new JournalReserve(directory, this.#environment, tables);
    this.epoch = this.#stamp();
  }

  close(): Promise<void> {
    return this.#environment.close();
  }

  // ------------------------------------------------------------------------------------------------------- writing

  #write<Result>(act: () => Result, kind: 'decisions' | 'removals' = 'decisions'): Result {
    if (!this.#reserve.hasRoomFor(kind)) throw diskFull(this.directory);
    return orStorageFull(this.directory, () => this.#environment.transactionSync(act));
  }

  /** Where there is little room facts are left out, so that decisions go on. */
  commit({ address, record, previous, consumed, completed, effects }: Commit): Committed {
    const hasRoomForFacts = this.#reserve.hasRoomFor('facts');
    return this.#write(() => {
      const committed: Committed = { deliveries: [], plans: [], answers: [], announced: false };
      if (consumed !== null) this.#inbox.removeSync([address, consumed]);
      if (completed !== null) this.#pending.removeSync([address, completed]);
      if (record) this.#keep(address, previous, record);
      else this.#end(address);
      for (const effect of effects)
        if (effect.kind !== 'announce') this.#store(address, effect, committed);
        else if (this.#announce(address, record, effect, hasRoomForFacts)) committed.announced = true;
      return committed;
    });
  }

  /** The event led to nothing: only its traces go. Who waits for its answer, or for a word of this actor, gets what is given here. */
  drop(
    address: ActorAddress,
    consumed: number | null,
    completed: number | null,
    answer: Answer | null = null,
    word: { to: ActorAddress; event: ActorEvent } | null = null,
  ): Delivery | null {
    return this.#write(() => {
      if (consumed !== null) this.#inbox.removeSync([address, consumed]);
      if (completed !== null) this.#pending.removeSync([address, completed]);
      if (answer) this.#answer(answer);
      return word && this.#deliver(word.to, word.event);
    });
  }

  /** A message from outside the actors: durable before anybody acts on it. */
  enqueue(to: ActorAddress, event: ActorEvent): Delivery {
    return this.#write(() => this.#deliver(to, event));
  }

  /** A command is taken once: null when it was taken before, and its answer is there or will come. */
  take(command: string, to: ActorAddress, event: ActorEvent, fingerprint?: string): Delivery | null {
    return this.#write(() => {
      if (this.#replies.get(command)) return null;
      this.#replies.putSync(command, { time: Date.now(), awaited: true, fingerprint });
      return this.#deliver(to, event);
    });
  }

  #store(address: ActorAddress, effect: Exclude<Effect, { kind: 'announce' }>, committed: Committed): void {
    switch (effect.kind) {
      case 'tell':
        committed.deliveries.push(this.#deliver(effect.to, effect.event));
        break;
      case 'apply': {
        const sequence = this.#next();
        this.#pending.putSync([address, sequence], effect.plan);
        committed.plans.push({ sequence, plan: effect.plan });
        break;
      }
      case 'reply': {
        if (effect.command === null) break;
        const answer = { command: effect.command, time: Date.now(), output: effect.output, fault: effect.fault };
        this.#answer(answer);
        committed.answers.push(answer);
      }
    }
  }

  /** Every fact carries the state that its commit leads to. */
  #announce(source: ActorAddress, record: ActorRecord | null, { fact, data }: Announce, hasRoom: boolean): boolean {
    if (!hasRoom) return this.#outbox.leaveOut();
    return this.#outbox.add({ source, fact, data: { ...data, state: stateOf(actorKind(source), record) } });
  }

  /** lmdb keeps a read snapshot for a turn of the event loop; what another thread has said since must be seen. */
  #latest(): void {
    if (!this.#frozen) this.#environment.resetReadTxn();
  }

  #answer({ command, ...reply }: Answer): void {
    const { fingerprint } = this.#replies.get(command) ?? {};
    this.#replies.putSync(command, { fingerprint, ...reply });
  }

  #deliver(to: ActorAddress, event: ActorEvent): Delivery {
    const sequence = this.#next();
    this.#inbox.putSync([to, sequence], event);
    return { to, sequence, event };
  }

  #keep(address: ActorAddress, previous: MachineContext | null, { value, context }: ActorRecord): void {
    const rest = this.#ledgers.write(address, previous, context);
    this.#actors.putSync(address, { value, context: rest });
  }

  #whole(address: ActorAddress, { value, context }: ActorRecord): ActorRecord {
    return { value, context: this.#ledgers.read(address, context) };
  }

  #end(address: ActorAddress): void {
    this.#actors.removeSync(address);
    this.#ledgers.remove(address);
    for (const { sequence } of this.pendingOf(address)) this.#pending.removeSync([address, sequence]);
  }

  #next(): number {
    const next = this.#lastMessage() + 1;
    this.#meta.putSync('sequence', next);
    return next;
  }

  #lastMessage(): number {
    return (this.#meta.get('sequence') as number | undefined) ?? 0;
  }

  // ------------------------------------------------------------------------------------------------------- reading

  /** Number of the message, or plan, that was written last. */
  lastMessage(): number {
    this.#latest();
    return this.#lastMessage();
  }

  actor(address: ActorAddress): ActorRecord | null {
    this.#latest();
    const record = this.#actors.get(address);
    return record ? this.#whole(address, record) : null;
  }

  /** Without reading what it keeps: a network's record has a lease for every container. */
  exists(address: ActorAddress): boolean {
    this.#latest();
    return this.#actors.doesExist(address);
  }

  /** Actors of a kind (`container/`), or all of them, by address. */
  actors(prefix = ''): { address: ActorAddress; record: ActorRecord }[] {
    this.#latest();
    const range = prefix ? { start: prefix, end: `${prefix}\uffff` } : {};
    return [...this.#actors.getRange(range)].map(({ key, value }) => {
      const address = key as ActorAddress;
      return { address, record: this.#whole(address, value) };
    });
  }

  count(prefix: string): number {
    this.#latest();
    return this.#actors.getKeysCount({ start: prefix, end: `${prefix}\uffff` });
  }

  /** Who has messages waiting: also actors that do not exist (yet, or any more). */
  inboxAddresses(): ActorAddress[] {
    this.#latest();
    return [...new Set([...this.#inbox.getKeys()].map(([address]) => address as ActorAddress))];
  }

  inboxOf(address: ActorAddress): Delivery[] {
    this.#latest();
    const range = { start: [address, 0] as [string, number], end: [address, Infinity] as [string, number] };
    return [...this.#inbox.getRange(range)].map(({ key, value }) => ({ to: address, sequence: key[1], event: value }));
  }

  isWaiting(address: ActorAddress, sequence: number): boolean {
    this.#latest();
    return this.#inbox.doesExist([address, sequence]);
  }

  pendingOf(address: ActorAddress): PendingPlan[] {
    this.#latest();
    const range = { start: [address, 0] as [string, number], end: [address, Infinity] as [string, number] };
    return [...this.#pending.getRange(range)].map(({ key, value }) => ({ sequence: key[1], plan: value }));
  }

  /** Actors and the number of the last fact, of one instant. */
  asOf<T>(read: (journal: this) => T): { read: T; sequence: number } {
    this.#latest();
    this.#frozen = true;
    try {
      return { read: read(this), sequence: this.lastSequence() };
    } finally {
      this.#frozen = false;
    }
  }

  // ------------------------------------------------------------------------------------------------------- answers

  /** A command that no single actor answers has begun: until keepReply() its id stands for it, and for no other one. */
  expectReply(command: string, fingerprint?: string): void {
    this.#write(() => {
      if (!this.#replies.get(command)) this.#replies.putSync(command, { time: Date.now(), awaited: true, fingerprint });
    });
  }

  /** The answer to a command that no single actor gives. One that is kept already is the first, and stays. */
  keepReply(command: string, output: unknown, fingerprint?: string): void {
    const reply = { command, time: Date.now(), output, ...(fingerprint !== undefined && { fingerprint }) };
    this.#write(() => {
      const known = this.#replies.get(command);
      if (!known || 'awaited' in known) this.#answer(reply);
    });
  }

  /** null: never heard of, or not answered yet */
  replyTo(command: string): StoredReply | null {
    this.#latest();
    const reply = this.#replies.get(command);
    return !reply || 'awaited' in reply ? null : reply;
  }

  /** Which command has that id, answered or not; null: none, or one of an older version. */
  fingerprintOf(command: string): string | null {
    this.#latest();
    return this.#replies.get(command)?.fingerprint ?? null;
  }

  forgetReplies(commands: readonly string[]): void {
    this.#write(() => {
      for (const command of commands) this.#replies.removeSync(command);
    }, 'removals');
  }

  forgetRepliesBefore(time: number): void {
    const old = [...this.#replies.getRange({})].filter(({ value }) => value.time < time).map(({ key }) => key);
    if (old.length > 0) this.forgetReplies(old);
  }

  // -------------------------------------------------------------------------------------------------------- outbox

  lastSequence(): number {
    this.#latest();
    return this.#outbox.last();
  }

  after(sequence: number, limit: number): OutboxRecord[] {
    this.#latest();
    return this.#outbox.after(sequence, limit);
  }

  removeThrough(sequence: number): void {
    this.#write(() => this.#outbox.removeThrough(sequence), 'removals');
  }

  pending(): number {
    this.#latest();
    return this.#outbox.pending();
  }

  /** Adds the fact that some were left out; whether there were any, and there is a place for it. The next fact adds it, too. */
  reportLeftOut(): boolean {
    return this.#reserve.hasRoomFor('facts') && this.#write(() => this.#outbox.reportLeftOut());
  }

  // ---------------------------------------------------------------------------------------------------------- room

  /** Sees to it that the file has pages to write on that are its own already. Answers how many bytes it has. */
  keepReserve(): number {
    this.#latest();
    return this.#reserve.keep();
  }

  // ---------------------------------------------------------------------------------------------------------- life

  /**
   * Remembers the boot; true when the journal is from another one, so that all it knows of the kernel is gone. What was to
   * be done there is forgotten and every actor is given notice, in the same write: a start that dies before all have heard
   * of it leaves that to the next one, and nobody hears of it twice.
   */
  noticeBoot(bootId: string): boolean {
    return this.#write(() => {
      const known = this.#meta.get('boot');
      if (known === bootId) return false;
      this.#meta.putSync('boot', bootId);
      if (known === undefined) return false;
      // plans of another life of the kernel must not be carried out
      this.#pending.clearSync();
      for (const address of [...this.#actors.getKeys()])
        this.#inbox.putSync([address, rebootNotice], { type: 'actor.recovered', rebooted: true });
      return true;
    });
  }

  #stamp(): string {
    return this.#known() ?? this.#write(() => this.#known() ?? this.#begin());
  }

  #known(): string | null {
    const version = this.#meta.get('version');
    if (version !== undefined && version !== journalVersion)
      throw new Error(`the journal was written by another version of netloom (${version}, this is ${journalVersion})`);
    return (this.#meta.get('epoch') as string | undefined) ?? null;
  }

  #begin(): string {
    this.#meta.putSync('version', journalVersion);
    const epoch = randomUUID();
    this.#meta.putSync('epoch', epoch);
    return epoch;
  }
}
