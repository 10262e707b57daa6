import type { AnyStateMachine } from 'xstate';
import { type ContainerInput, containerMachine } from '../../machines/container/chart.ts';
import { type DhcpInput, dhcpMachine } from '../../machines/dhcp/chart.ts';
import { hostMachine } from '../../machines/host/chart.ts';
import { type NetworkInput, networkMachine } from '../../machines/network/chart.ts';
import {
  type ActorAddress,
  type ActorKind,
  actorKind,
  actorName,
  containerAddress,
  dhcpClientOf,
  hostAddress,
  networkAddress,
  workerOf,
} from '../core/actor-address.ts';
import type { ActorEvent } from '../core/actor-event.ts';
import { type Fault, faultOf, type NetloomError } from '../core/fault.ts';
import { toMicroseconds } from '../core/milliseconds.ts';
import type { Plan } from '../core/plan/plan.ts';
import { describePurpose } from '../core/plan/purpose.ts';
import { isStorageFull } from '../files/free-space.ts';
import { execute, type PlanResult } from '../kernel/executor.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { Actor, type Origin } from './actor.ts';
import {
  type ActorRecord,
  type Answer,
  type Committed,
  type Delivery,
  type Journal,
  type PendingPlan,
  rebootNotice,
} from './journal.ts';

export interface Settings {
  /** index of this worker, and their number */
  index: number;
  workers: number;
  netnsDirectory: string;
  /** domain of the names of containers */
  searchDomain: string;
  /** names this host: another one of the same LAN may have a container of the same name */
  node: string;
  /** foreign links reach each other, also where netloom switched forwarding on */
  forwardForeign?: boolean;
}

/** The interface of this thread to the actors of other workers, to waiting clients, and to the outbox. */
export interface Outside {
  deliver(worker: number, delivery: Delivery): void;
  committed(answers: readonly Answer[], announced: boolean): void;
  unexpected(address: ActorAddress, event: ActorEvent, error: unknown): void;
  /** the journal has no room: everything waits */
  stalled(error: NetloomError): void;
}

const machines: Record<ActorKind, AnyStateMachine> = {
  host: hostMachine,
  network: networkMachine,
  container: containerMachine,
  dhcp: dhcpMachine,
};

/** How many containers wake before messages from meanwhile are processed: each of them verifies everything that it has in the kernel. */
const rousedAtOnce = 4;
/** The interval at which a turn without room in the journal is tried again. */
const stalledMs = 100;

/** The actors of one worker: gives each its messages, one after another, and performs what they decided. */
export class ActorSystem {
  readonly #actors = new Map<ActorAddress, Actor>();
  readonly #awake = new Set<ActorKind>();
  /** restored, and not started yet */
  readonly #asleep = new Set<ActorAddress>();
  /** deliveries to actors of kinds that are not awake yet */
  readonly #early: Delivery[] = [];
  readonly #queue: (() => void)[] = [];
  #running = false;
  #stall: NodeJS.Timeout | null = null;
  /** number of failed attempts of the turn that is due */
  #stalls = 0;
  /** the last plan of each actor with plans */
  readonly #underWay = new Map<ActorAddress, Promise<void>>();
  #stopped = false;

  constructor(
    private readonly journal: Journal,
    private readonly kernel: Kernel,
    private readonly outside: Outside,
    private readonly settings: Settings,
  ) {
    kernel.onFact((to, event) => this.#later(() => this.#receive(to, event)));
  }

  /** Announces that the inbox of an actor holds this message; it may come late, or twice. */
  deliver(delivery: Delivery): void {
    if (this.#awake.has(actorKind(delivery.to))) this.#hear(delivery);
    else this.#early.push(delivery);
  }

  /** Lets an actor verify its objects, because one may have vanished. Unknown actors have nothing to lose. */
  suspect(address: ActorAddress): void {
    if (this.#actors.has(address)) this.#later(() => this.#receive(address, { type: 'drift.suspected' }));
  }

  /** Reads every actor of this worker from the journal; none gets an event yet. */
  restore(): void {
    for (const { address, record } of this.journal.actors())
      if (this.#isMine(address)) this.#actors.set(address, this.#make(address, record));
    this.#remind();
  }

  /** Announces unread messages again: the previous worker may have died after committing and before notifying. */
  #remind(): void {
    for (const address of this.journal.inboxAddresses())
      if (!this.#isMine(address)) for (const delivery of this.journal.inboxOf(address)) this.#send(delivery);
  }

  /**
   * Wakes the actors of one kind. Each gets its start event, continues its unfinished plans, and gets the messages of its
   * inbox, in that order and before anything newer. The host comes first, then networks, then containers, which need both.
   * There may be a thousand containers: they wake one by one, with room for messages between; an actor that gets a message
   * wakes at once.
   */
  wake(kind: ActorKind): void {
    this.#later(() => {
      const isOfKind = (address: ActorAddress) => actorKind(address) === kind && this.#isMine(address);
      for (const address of [...this.#actors.keys(), ...this.journal.inboxAddresses()].filter(isOfKind))
        this.#asleep.add(address);
      if (isOfKind(hostAddress)) this.#asleep.add(hostAddress);
      this.#awake.add(kind);
      if (kind === 'container') this.#rouseSome();
      else for (const address of [...this.#asleep]) this.#rouse(address);
      for (const delivery of this.#early.splice(0)) this.deliver(delivery);
    });
  }

  #rouseSome(): void {
    for (const address of firstOf(this.#asleep, rousedAtOnce)) this.#rouse(address);
    if (this.#asleep.size > 0) setImmediate(() => this.#later(() => this.#rouseSome()));
  }

  #rouse(address: ActorAddress): void {
    this.#asleep.delete(address);
    for (const pending of this.journal.pendingOf(address)) this.#later(() => this.#start(address, pending));
    if (this.#actors.has(address)) {
      const rebooted = this.journal.isWaiting(address, rebootNotice);
      const notice = rebooted ? { consumed: rebootNotice, completed: null } : undefined;
      this.#later(() => this.#receive(address, { type: 'actor.recovered', rebooted }, notice));
    }
    if (address === hostAddress) this.#later(() => this.#receive(address, this.#hostStart()));
    for (const delivery of this.journal.inboxOf(address)) this.#hear(delivery);
  }

  /** Lets the plans under way end and journals their results, then accepts nothing more: the rest is in the journal. */
  async stop(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.values());
    this.#stopped = true;
    if (this.#stall) clearTimeout(this.#stall);
    this.#queue.length = 0;
  }

  #isMine(address: ActorAddress): boolean {
    return workerOf(address, this.settings.workers) === this.settings.index;
  }

  /** One at a time and in order: consequences of an event on this worker are queued after waiting events. */
  #later(turn: () => void): void {
    if (this.#stopped) return;
    this.#queue.push(turn);
    if (!this.#running && !this.#stall) this.#takeTurns();
  }

  /** A turn without room in the journal has changed nothing: it is repeated, before all others, until there is room. */
  #takeTurns(): void {
    this.#running = true;
    try {
      for (let next = this.#queue[0]; next; next = this.#queue[0]) {
        next();
        this.#queue.shift();
        this.#stalls = 0;
      }
    } catch (error) {
      if (!isStorageFull(error)) {
        this.#queue.shift();
        throw error;
      }
      if (this.#stalls++ === 0) this.outside.stalled(error);
      this.#stall = setTimeout(() => {
        this.#stall = null;
        this.#takeTurns();
      }, stalledMs);
    } finally {
      this.#running = false;
    }
  }

  #hear(delivery: Delivery): void {
    this.#later(() => this.#receiveInOrder(delivery));
  }

  /**
   * Receives a message after those that were sent to the actor before it. They are in the journal, but their announcements come from
   * several threads and may be late: that of a teardown on another worker may come after a claim that followed its answer.
   */
  #receiveInOrder({ to, sequence, event }: Delivery): void {
    for (const earlier of this.journal.waitingBefore(to, sequence))
      this.#receive(to, earlier.event, { consumed: earlier.sequence, completed: null });
    this.#receive(to, event, { consumed: sequence, completed: null });
  }

  #receive(address: ActorAddress, event: ActorEvent, origin?: Origin): void {
    if (this.#asleep.has(address)) {
      this.#rouse(address);
      this.#later(() => this.#receive(address, event, origin));
      return;
    }
    if (!this.#isNew(address, origin)) return;
    const actor = this.#actors.get(address) ?? this.#make(address, null);
    const committed = this.#decide(actor, event, origin);
    if (actor.absent) this.#actors.delete(address);
    else this.#actors.set(address, actor);
    if (committed) this.#perform(address, committed);
  }

  /** A message is in the inbox until the commit that it led to: a missing one was announced twice. */
  #isNew(address: ActorAddress, origin?: Origin): boolean {
    return !origin || origin.consumed === null || this.journal.isWaiting(address, origin.consumed);
  }

  /** Drops an event that a machine failed to process, so that it is not repeated at every start; waiting callers get a fault. */
  #decide(actor: Actor, event: ActorEvent, origin?: Origin): Committed | null {
    try {
      return actor.receive(this.journal, event, origin);
    } catch (error) {
      if (isStorageFull(error)) throw error;
      this.outside.unexpected(actor.address, event, error);
      const command = 'command' in event ? event.command : null;
      const answer = command === null ? null : { command, time: Date.now(), fault: faultOf(error) };
      const { consumed = null, completed = null } = origin ?? {};
      const refusal = refusalTo(actor.address, event, faultOf(error));
      const delivery = this.journal.drop(actor.address, consumed, completed, answer, refusal);
      if (answer) this.outside.committed([answer], false);
      if (delivery) this.#send(delivery);
      return null;
    }
  }

  /** News comes last: plans that need not wait, and the answers behind them, come first. A later claim reads it before itself. */
  #perform(address: ActorAddress, { deliveries, news, plans, answers, announced }: Committed): void {
    for (const delivery of deliveries) this.#send(delivery);
    if (answers.length > 0 || announced) this.outside.committed(answers, announced);
    for (const pending of plans) this.#start(address, pending);
    if (news.length === 0) return;
    setImmediate(() => {
      for (const delivery of news) this.#send(delivery);
    });
  }

  #send(delivery: Delivery): void {
    const worker = workerOf(delivery.to, this.settings.workers);
    if (worker === this.settings.index) this.deliver(delivery);
    else this.outside.deliver(worker, delivery);
  }

  /** Carries out the plans of one actor one after another: a teardown does not overtake the verification before it. */
  #start(address: ActorAddress, pending: PendingPlan): void {
    const before = this.#underWay.get(address);
    const work = before ? before.then(() => this.#carryOut(address, pending)) : this.#carryOut(address, pending);
    this.#underWay.set(address, work);
    void work.finally(() => this.#underWay.get(address) === work && this.#underWay.delete(address));
  }

  async #carryOut(address: ActorAddress, { sequence, plan }: PendingPlan): Promise<void> {
    if (this.#stopped) return;
    const startedMs = performance.now();
    const result = await this.#execute(plan);
    const { outputs, changed } = result;
    const report = { purpose: plan.purpose, outputs, changed, tookMs: toMicroseconds(performance.now() - startedMs) };
    const event: ActorEvent = result.ok
      ? { type: 'steps.applied', ...report }
      : { type: 'steps.failed', fault: result.fault, ...report };
    this.#later(() => this.#receive(address, event, { consumed: null, completed: sequence }));
  }

  /** A plan that cannot even be tried must not end the worker, or it would end every worker that repeats it. */
  async #execute(plan: Plan): Promise<PlanResult> {
    try {
      return await execute(this.kernel, plan);
    } catch (error) {
      const leftBehind = [{ step: describePurpose(plan.purpose), errno: null, detail: 'how far it got is not known' }];
      return { ok: false, fault: { ...faultOf(error), leftBehind }, outputs: [], changed: [] };
    }
  }

  #make(address: ActorAddress, record: ActorRecord | null): Actor {
    const kind = actorKind(address);
    return new Actor(address, machines[kind], this.#inputFor(kind, address), record);
  }

  #hostStart(): ActorEvent {
    return { type: 'host.start', forwardForeign: this.settings.forwardForeign ?? false };
  }

  #inputFor(kind: ActorKind, address: ActorAddress): ContainerInput | NetworkInput | DhcpInput | undefined {
    if (kind === 'container') {
      const { netnsDirectory } = this.settings;
      return { id: actorName(address), netnsDirectory, attempt: this.journal.lastMessage() };
    }
    if (kind === 'dhcp') return dhcpClientOf(address);
    const { searchDomain, node } = this.settings;
    return kind === 'network' ? { name: actorName(address), searchDomain, node } : undefined;
  }
}

function firstOf<Item>(items: Iterable<Item>, count: number): Item[] {
  const first: Item[] = [];
  for (const item of items) {
    if (first.length === count) break;
    first.push(item);
  }
  return first;
}

/** Actors with a claim wait for an answer, too. */
function refusalTo(to: ActorAddress, event: ActorEvent, fault: Fault): { to: ActorAddress; event: ActorEvent } | null {
  switch (event.type) {
    case 'lease.request':
    case 'ports.claim':
      return {
        to: containerAddress(event.container),
        event: { type: 'claim.refused', attempt: event.attempt, fault },
      };
    case 'netns.share':
      return { to: event.from, event: { type: 'claim.refused', attempt: event.attempt, fault } };
    case 'network.prune':
      return { to: hostAddress, event: { type: 'network.pruned', network: actorName(to), isRemoved: false, fault } };
    case 'container.abandon':
      return event.from
        ? { to: event.from, event: { type: 'container.abandoned', container: actorName(to), fault } }
        : null;
    case 'forwarding.claim':
      return { to: networkAddress(event.network), event: { type: 'forwarding.refused', fault } };
    case 'subnet.claim':
      return { to: networkAddress(event.network), event: { type: 'subnet.refused', fault } };
    default:
      return null;
  }
}
