import type { Answer, Journal, StoredReply } from '../actors/journal.ts';
import { type CommandIdentity, replyKeptMs } from '../bus/commands/engine-interface.ts';
import type { AnswerTo, Answer as Output } from '../contract/answers.ts';
import type { ActorAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/actor-event.ts';
import { type Fault, fault, NetloomError } from '../core/fault.ts';
import type { NodeInfo } from '../core/view.ts';
import { isStorageFull } from '../files/free-space.ts';
import type { StorageGuard } from '../files/storage-guard.ts';
import { span } from '../threads/span.ts';
import { within } from '../threads/within.ts';
import type { DefinitionReader } from './definitions.ts';
import type { Workers } from './pool.ts';
import { broughtWith, sharingRefusal, type WishReader, wishIn } from './wishes.ts';

/** Commands that make the journal longer: refused while there is no room for it. */
const buildingEvents: ReadonlySet<ActorEvent['type']> = new Set<ActorEvent['type']>([
  'network.create',
  'network.update',
  'container.create',
  'container.attach',
  'container.setup',
  'container.connect',
  'container.publish',
]);

const forgetEveryMs = 60_000;
/** Delivered replies that no caller can ask for again are removed from the journal in batches of this size. */
const mostDelivered = 256;

/** A command without a reply yet, once for all callers that sent it. */
interface Awaited {
  isKept: boolean;
  answer: Promise<Output | undefined>;
  resolve(output: Output | undefined): void;
  reject(error: NetloomError): void;
}

interface DeskParts {
  node: string;
  journal: Journal;
  workers: Pick<Workers, 'deliver' | 'prewarmNetns' | 'on'>;
  wishes: WishReader;
  storage: Pick<StorageGuard, 'refuseWhenFull'>;
  definitions: Pick<DefinitionReader, 'noteLossesFor'>;
}

/** Accepts commands, hands each to its actor, and gives the one reply to it. */
export class CommandDesk {
  readonly #parts: DeskParts;
  readonly #awaited = new Map<string, Awaited>();
  /** answered; no caller can ask again */
  readonly #delivered: string[] = [];
  readonly #housekeeping: NodeJS.Timeout;
  #state: NodeInfo['state'] = 'recovering';
  /** called when the last reply was given */
  #onIdle = (): void => {};

  constructor(parts: DeskParts) {
    this.#parts = parts;
    parts.workers.on('committed', (answers) => this.#answer(answers));
    parts.workers.on('recovered', () => this.#answerFromJournal());
    this.#housekeeping = setInterval(() => this.#forgetReplies(), forgetEveryMs).unref();
  }

  get state(): NodeInfo['state'] {
    return this.#state;
  }

  /** Starts accepting commands. */
  open(): void {
    this.#state = 'serving';
  }

  /** Accepts no new commands; resolves when those under way are answered, or after timeoutMs. */
  async drain(timeoutMs: number): Promise<void> {
    this.#state = 'draining';
    clearInterval(this.#housekeeping);
    if (this.isAwaited())
      await within(
        timeoutMs,
        new Promise<void>((resolve) => {
          this.#onIdle = resolve;
        }),
      );
    this.#forgetDelivered();
  }

  /** Checks whether a caller waits for the answer to a command. */
  isAwaited(): boolean {
    return this.#awaited.size > 0;
  }

  /** Sends a command. The machines' tests check that answers match the contract; calls do not check it again. */
  send<Event extends ActorEvent>(
    command: CommandIdentity,
    to: ActorAddress,
    event: Event,
  ): Promise<AnswerTo<Event['type']>> {
    return this.#send(command, to, event) as Promise<AnswerTo<Event['type']>>;
  }

  async #send(command: CommandIdentity, to: ActorAddress, event: ActorEvent): Promise<Output | undefined> {
    if (this.#state !== 'serving') throw new NetloomError(this.#notServing());
    const known = this.firstAnswer(command) ?? this.#awaited.get(keyOf(command))?.answer;
    if (known) return known;
    const { wishes, storage, workers, definitions } = this.#parts;
    const wish = wishIn(wishes, to, event);
    const refusal = wish && sharingRefusal(wishes, wish);
    if (refusal) throw new NetloomError(refusal);
    if (buildingEvents.has(event.type)) storage.refuseWhenFull();
    definitions.noteLossesFor(broughtWith(event, wish));
    const delivery = this.#take(command, to, event);
    const { answer } = this.#await(command);
    if (delivery) workers.deliver(delivery);
    if (delivery && wish && event.type === 'container.setup') workers.prewarmNetns(wish);
    return answer;
  }

  #take(command: CommandIdentity, to: ActorAddress, event: ActorEvent) {
    const { journal } = this.#parts;
    const key = keyOf(command);
    const named = { ...event, command: key } as ActorEvent;
    return span('journal: take', () =>
      command.kept ? journal.take(key, to, named, command.fingerprint) : journal.enqueue(to, named),
    );
  }

  #await(command: CommandIdentity): Awaited {
    let [resolve, reject]: [Awaited['resolve'], Awaited['reject']] = [() => {}, () => {}];
    const answer = new Promise<Output | undefined>((...settle) => {
      [resolve, reject] = settle;
    });
    const awaited = { isKept: command.kept, answer, resolve, reject };
    this.#awaited.set(keyOf(command), awaited);
    return awaited;
  }

  firstAnswer(command: CommandIdentity): Promise<Output | undefined> | null {
    const { id, kept, fingerprint } = command;
    if (!kept) return null;
    const { journal } = this.#parts;
    const known = journal.fingerprintOf(keyOf(command));
    if (known !== null && fingerprint !== undefined && known !== fingerprint)
      return Promise.reject(new NetloomError(mismatch(id)));
    const reply = journal.replyTo(keyOf(command));
    return reply && outcome(reply);
  }

  #answer(answers: readonly Answer[]): void {
    for (const { command, output, fault: refused } of answers) {
      const awaited = this.#awaited.get(command);
      if (!awaited) continue;
      this.#awaited.delete(command);
      if (!awaited.isKept) this.#delivered.push(command);
      if (refused) awaited.reject(new NetloomError(refused));
      else awaited.resolve(output);
    }
    if (this.#delivered.length > mostDelivered) this.#forgetDelivered();
    if (!this.isAwaited()) this.#onIdle();
  }

  /** Gives replies of a worker that died between its commit and its notice: they are in the journal. */
  #answerFromJournal(): void {
    for (const command of [...this.#awaited.keys()]) {
      const reply = this.#parts.journal.replyTo(command);
      if (reply) this.#answer([{ command, ...reply }]);
    }
  }

  #forgetDelivered(): void {
    const commands = this.#delivered.splice(0);
    if (commands.length > 0) whereThereIsRoom(() => this.#parts.journal.forgetReplies(commands));
  }

  #forgetReplies(): void {
    this.#forgetDelivered();
    whereThereIsRoom(() => this.#parts.journal.forgetRepliesBefore(Date.now() - replyKeptMs));
  }

  #notServing(): Fault {
    const { node } = this.#parts;
    return this.#state === 'draining'
      ? fault('node.draining', `node ${node} is shutting down`)
      : fault('node.recovering', `node ${node} is recovering; try again`);
  }
}

/** Returns the command's key in the journal: a client's ID never equals one that netloom made. */
const keyOf = ({ id, kept }: CommandIdentity): string => `${kept ? 'kept' : 'once'} ${id}`;

const mismatch = (id: string): Fault =>
  fault('command.mismatch', `Nats-Msg-Id ${id} was used for another request: use a new id for each request`);

function outcome({ output, fault: refused }: StoredReply): Promise<Output | undefined> {
  return refused ? Promise.reject(new NetloomError(refused)) : Promise.resolve(output);
}

/** Runs an action that may fail for lack of room: a reply that no caller can ask for again expires by its age. */
function whereThereIsRoom(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!isStorageFull(error)) throw error;
  }
}
