import { type Database, open, type RootDatabase } from 'lmdb';
import type { Announce, Effect } from '../../machines/effect.ts';
import { stateOf } from '../../machines/state.ts';
import type { Outbox, OutboxRecord } from '../contract/outbox.ts';
import { type ActorAddress, type ActorKind, actorKind, hostAddress, type KindOf } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/actor-event.ts';
import type { Plan } from '../core/plan/plan.ts';
import { diskFull, orStorageFull } from '../files/free-space.ts';
import { ActorTable } from './journal/actor-table.ts';
import { Ledgers } from './journal/ledgers.ts';
import { firstJournal, type JournalOrigin, type MetaRows, MetaTable } from './journal/meta-table.ts';
import { OutboxTable } from './journal/outbox-table.ts';
import {
  type ActorRecord,
  type Answer,
  type Commit,
  type Committed,
  type Delivery,
  type KnownActor,
  type PendingPlan,
  readAs,
  type StoredReply,
  type WrittenRecord,
} from './journal/records.ts';
import { ReplyTable } from './journal/reply-table.ts';
import { JournalReserve } from './journal/reserve.ts';
import { SealedRows } from './journal/sealed-rows.ts';
import { upgradeTables } from './journal/upgrade.ts';
import { journalVersion } from './journal/version.ts';
import { WorkTable } from './journal/work-table.ts';

export type { JournalOrigin } from './journal/meta-table.ts';
export type {
  ActorRecord,
  Answer,
  Commit,
  Committed,
  Delivery,
  KnownActor,
  PendingPlan,
  StoredReply,
} from './journal/records.ts';

/** Rows have a number, a name, or an actor with a further key. */
type Key = number | string | [string, number] | [string, string, string];

const mapSizeBytes = 1 << 30;
/** Position of the notice of a reboot in the inbox: before every message. */
export const rebootNotice = 0;

/**
 * The durable state of the actors. One LMDB environment in the run directory, opened by every thread: it lives as long as
 * the kernel's own state does, so nothing is fsynced, and a commit costs some 30 µs. One commit is one atomic write: the
 * new state, the consumed input, the sent messages (straight into the inboxes of their actors), the decided plans, the
 * replies, and the facts. The file is not written through a map: on a full disk that would be a SIGBUS. A write without
 * room throws storage.full, and nothing of it is kept.
 */
export class Journal implements Outbox {
  readonly epoch: string;
  /** the version that the journal had before it was opened; null: this one, or it is new */
  readonly upgradedFrom: number | null;
  readonly #environment: RootDatabase;
  readonly #reserve: JournalReserve;
  /** reads see one instant while this is set */
  #frozen = false;
  readonly #tables: { seal(): void; verify(): number }[] = [];
  readonly #meta: MetaTable;
  readonly #actors: ActorTable;
  readonly #inbox: WorkTable<ActorEvent>;
  readonly #plans: WorkTable<Plan>;
  readonly #outbox: OutboxTable;
  readonly #replies: ReplyTable;

  constructor(
    private readonly directory: string,
    origin: JournalOrigin = firstJournal,
  ) {
    const options = { encoding: 'string' as const, noSync: true, overlappingSync: false };
    this.#environment = orStorageFull(directory, () =>
      open({ path: `${directory}/journal`, maxDbs: 8, mapSize: mapSizeBytes, ...options }),
    );
    const statistics: Pick<Database, 'getStats'>[] = [];
    const table = <V, K extends Key>(name: string): SealedRows<V, K> => {
      const opened = orStorageFull(directory, () => this.#environment.openDB<string, K>({ name, ...options }));
      statistics.push(opened);
      const rows = new SealedRows<V, K>(name, opened);
      this.#tables.push(rows);
      return rows;
    };
    const meta: MetaRows = table('meta');
    this.#meta = new MetaTable(meta);
    this.#actors = new ActorTable(table('actors'), new Ledgers(table('ledgers')));
    this.#inbox = new WorkTable(table('inbox'));
    this.#plans = new WorkTable(table('pending'));
    this.#outbox = new OutboxTable(table('outbox'), meta, () => this.#actors.get(hostAddress)?.value ?? 'absent');
    this.#replies = new ReplyTable(table('replies'));
    this.#reserve = new JournalReserve(directory, this.#environment, statistics);
    const version = this.#meta.version();
    this.upgradedFrom = version === journalVersion ? null : version;
    if (this.upgradedFrom !== null) this.#upgrade(this.upgradedFrom);
    this.epoch = this.#meta.epoch() ?? this.#write(() => this.#meta.epoch() ?? this.#meta.begin(origin));
  }

  #upgrade(version: number): void {
    const tables = { meta: this.#meta, actors: this.#actors, inbox: this.#inbox, plans: this.#plans };
    this.#write(() => {
      upgradeTables({ ...tables, replies: this.#replies }, version);
      for (const rows of this.#tables) rows.seal();
    });
  }

  close(): Promise<void> {
    return this.#environment.close();
  }

  // ------------------------------------------------------------------------------------------------------- writing

  #write<Result>(act: () => Result, kind: 'decisions' | 'removals' = 'decisions'): Result {
    if (!this.#reserve.hasRoomFor(kind)) throw diskFull(this.directory);
    return orStorageFull(this.directory, () => this.#environment.transactionSync(act));
  }

  /** Leaves facts out when there is little room, so that decisions continue. */
  commit({ address, record, previous, consumed, completed, effects }: Commit): Committed {
    const hasRoomForFacts = this.#reserve.hasRoomFor('facts');
    return this.#write(() => {
      const committed: Committed = { deliveries: [], news: [], plans: [], answers: [], announced: false };
      if (consumed !== null) this.#inbox.remove(address, consumed);
      if (completed !== null) this.#plans.remove(address, completed);
      if (record) this.#actors.keep(address, previous, record);
      else this.#end(address);
      for (const effect of effects)
        if (effect.kind !== 'announce') this.#store(address, effect, committed);
        else if (this.#announce(address, record, effect, hasRoomForFacts)) committed.announced = true;
      return committed;
    });
  }

  /**
   * Ends an event that led to nothing: only its records are removed. A caller or actor that waits for an answer gets the given
   * one.
   */
  drop(
    address: ActorAddress,
    consumed: number | null,
    completed: number | null,
    answer: Answer | null = null,
    word: { to: ActorAddress; event: ActorEvent } | null = null,
  ): Delivery | null {
    return this.#write(() => {
      if (consumed !== null) this.#inbox.remove(address, consumed);
      if (completed !== null) this.#plans.remove(address, completed);
      if (answer) this.#replies.answer(answer);
      return word && this.#deliver(word.to, word.event);
    });
  }

  /** Stores a message from outside the actors: durable before any actor acts on it. */
  enqueue(to: ActorAddress, event: ActorEvent): Delivery {
    return this.#write(() => this.#deliver(to, event));
  }

  /** Returns why the journal began, if what lives in the kernel was not looked for yet; else null. */
  rebuildDue(): JournalOrigin | null {
    this.#latest();
    return this.#meta.rebuildDue();
  }

  /** Stores all messages to what was found in the kernel, in one write: a start that dies before that looks again. */
  rebuild(messages: readonly { to: ActorAddress; event: ActorEvent }[]): Delivery[] {
    return this.#write(() => {
      this.#meta.noteRebuilt();
      return messages.map(({ to, event }) => this.#deliver(to, event));
    });
  }

  /** Accepts a command once: null when it was accepted before, and its reply exists or will follow. */
  take(command: string, to: ActorAddress, event: ActorEvent, fingerprint?: string): Delivery | null {
    return this.#write(() => (this.#replies.take(command, fingerprint) ? this.#deliver(to, event) : null));
  }

  #store(address: ActorAddress, effect: Exclude<Effect, { kind: 'announce' }>, committed: Committed): void {
    switch (effect.kind) {
      case 'tell':
        committed[effect.isNews ? 'news' : 'deliveries'].push(this.#deliver(effect.to, effect.event));
        break;
      case 'apply': {
        const sequence = this.#meta.nextSequence();
        this.#plans.put(address, sequence, effect.plan);
        committed.plans.push({ sequence, plan: effect.plan });
        break;
      }
      case 'reply': {
        if (effect.command === null) break;
        const answer = { command: effect.command, time: Date.now(), output: effect.output, fault: effect.fault };
        this.#replies.answer(answer);
        committed.answers.push(answer);
      }
    }
  }

  /** Adds the state that the commit leads to to every fact. */
  #announce(source: ActorAddress, record: WrittenRecord | null, { fact, data }: Announce, hasRoom: boolean): boolean {
    if (!hasRoom) return this.#outbox.leaveOut();
    const state = stateOf(actorKind(source), record && readAs(record));
    return this.#outbox.add({ source, fact, data: { ...data, state } });
  }

  #deliver(to: ActorAddress, event: ActorEvent): Delivery {
    const sequence = this.#meta.nextSequence();
    this.#inbox.put(to, sequence, event);
    return { to, sequence, event };
  }

  #end(address: ActorAddress): void {
    this.#actors.remove(address);
    for (const { sequence } of this.pendingOf(address)) this.#plans.remove(address, sequence);
  }

  /**
   * Records the boot; true when the journal is from another one, so that its knowledge of the kernel is void. Pending work
   * there is dropped and every actor gets a notice, in the same write: a start that dies before all notices are processed
   * leaves the rest to the next one, and no actor gets one twice.
   */
  noticeBoot(bootId: string): boolean {
    return this.#write(() => {
      if (this.#meta.noteBoot(bootId) !== 'other') return false;
      // plans of an earlier boot must not be carried out
      this.#plans.clear();
      for (const address of this.#actors.addresses())
        this.#inbox.put(address, rebootNotice, { type: 'actor.recovered', rebooted: true });
      return true;
    });
  }

  // ------------------------------------------------------------------------------------------------------- reading

  /** Drops lmdb's read snapshot, which lasts for a turn of the event loop: later writes of other threads must be visible. */
  #latest(): void {
    if (!this.#frozen) this.#environment.resetReadTxn();
  }

  /** Number of the latest message or plan. */
  lastMessage(): number {
    this.#latest();
    return this.#meta.lastSequence();
  }

  actor<Address extends ActorAddress>(address: Address): ActorRecord<KindOf<Address>> | null {
    this.#latest();
    return this.#actors.get(address);
  }

  /** Without reading the records: a network's record has a lease for every container. */
  exists(address: ActorAddress): boolean {
    this.#latest();
    return this.#actors.exists(address);
  }

  /** Lists all actors by address. */
  actors(): KnownActor[] {
    this.#latest();
    return this.#actors.all();
  }

  /** Lists the actors of a kind by address. */
  actorsOf<Kind extends ActorKind>(kind: Kind): KnownActor<Kind>[] {
    this.#latest();
    return this.#actors.of(kind);
  }

  count(kind: ActorKind): number {
    this.#latest();
    return this.#actors.count(kind);
  }

  /** Lists actors with waiting messages: also those that do not exist (yet, or any longer). */
  inboxAddresses(): ActorAddress[] {
    this.#latest();
    return this.#inbox.addresses();
  }

  inboxOf(address: ActorAddress): Delivery[] {
    this.#latest();
    return this.#inbox.of(address).map(({ sequence, work }) => ({ to: address, sequence, event: work }));
  }

  /** Lists messages that were sent before this one and are still waiting. */
  waitingBefore(address: ActorAddress, sequence: number): Delivery[] {
    this.#latest();
    if (!this.#inbox.hasBetween(address, rebootNotice + 1, sequence)) return [];
    return this.inboxOf(address).filter((earlier) => earlier.sequence > rebootNotice && earlier.sequence < sequence);
  }

  isWaiting(address: ActorAddress, sequence: number): boolean {
    this.#latest();
    return this.#inbox.has(address, sequence);
  }

  pendingOf(address: ActorAddress): PendingPlan[] {
    this.#latest();
    return this.#plans.of(address).map(({ sequence, work }) => ({ sequence, plan: work }));
  }

  /** Actors and the number of the last fact, at one instant. */
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

  /** null: unknown, or not answered yet */
  replyTo(command: string): StoredReply | null {
    this.#latest();
    return this.#replies.replyTo(command);
  }

  /** Returns the command of an ID, answered or not; null: none, or one of an older version. */
  fingerprintOf(command: string): string | null {
    this.#latest();
    return this.#replies.fingerprintOf(command);
  }

  forgetReplies(commands: readonly string[]): void {
    this.#write(() => this.#replies.forget(commands), 'removals');
  }

  forgetRepliesBefore(time: number): void {
    const old = this.#replies.takenBefore(time);
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

  /** Adds the fact that some were left out; returns whether that was necessary, and there was room. The next fact adds it, too. */
  reportLeftOut(): boolean {
    return this.#reserve.hasRoomFor('facts') && this.#write(() => this.#outbox.reportLeftOut());
  }

  // ---------------------------------------------------------------------------------------------------------- room

  /** Reserves pages for writes within the file. Returns its number of bytes. */
  keepReserve(): number {
    this.#latest();
    return this.#reserve.keep();
  }
}
