import { randomInt } from 'node:crypto';
import type * as native from '#native';
import { type ActorAddress, dhcpClientOf } from '../../core/actor-address.ts';
import type { DhcpEvent } from '../../core/actor-event.ts';
import { type DhcpQuestion, releaseMessage } from '../../core/dhcp/requests.ts';
import type { DhcpTimes } from '../../core/dhcp/terms.ts';
import type { Step } from '../../core/steps/step.ts';
import { Alarm } from '../../threads/alarm.ts';
import {
  calm,
  type DhcpOutcome,
  Exchange,
  hasty,
  newTransaction,
  once,
  type Pace,
  type Transaction,
  until,
} from './exchange.ts';
import { DhcpClientSocket } from './socket.ts';

type StepOf<Verb extends Step['verb']> = Extract<Step, { verb: Verb }>;
type Asked = StepOf<'dhcp.ask'>;

/** Minimum time between DISCOVERs, for a server that offers and refuses endlessly; it doubles while no container waits. */
const betweenDiscoversMs = { least: 1000, most: 60_000 };
interface Client {
  exchange: Exchange | null;
  deadline: NodeJS.Timeout | null;
  alarms: Set<Alarm>;
  times: DhcpTimes | null;
  discoveredMs: number;
  /** of the last question other than a REQUEST for an offer */
  transaction: Transaction | null;
  /** a server's last reason for refusing what it had offered; null: no refusal */
  refusal: string | null;
  /** consecutive offers that led to nothing */
  vainOffers: number;
}

/** Asks and waits for the DHCP clients of one worker. The clients decide. */
export class DhcpKeeper {
  readonly #clients = new Map<ActorAddress, Client>();
  #listener: (owner: ActorAddress, event: DhcpEvent) => void = () => {};

  /** `holderOf`: the present use of an address, as the rest of a sentence; null: free */
  constructor(
    private readonly holderOf: (address: string, client: { container: string; network: string }) => string | null,
  ) {}

  onNews(listener: (owner: ActorAddress, event: DhcpEvent) => void): void {
    this.#listener = listener;
  }

  ask({ owner, place, question, withinMs }: Asked): void {
    const client = this.#client(owner);
    client.exchange?.close();
    if (withinMs === null) this.#cancelDeadline(client);
    else client.deadline ??= this.#deadline(owner, client, withinMs);
    const pace = paceOf({ question, withinMs }, client.times);
    const holderOf = (address: string) => this.holderOf(address, dhcpClientOf(owner));
    const asking = { place, question, pace, holderOf };
    const exchange = new Exchange(asking, transactionOf(client, question), (outcome) => {
      if (outcome.type === 'dhcp.acknowledged') this.#cancelDeadline(client);
      client.refusal = refusalAfter(client.refusal, outcome);
      client.vainOffers = vainOffersAfter(client.vainOffers, outcome);
      client.exchange = null;
      this.#listener(owner, outcome);
    });
    client.exchange = exchange;
    exchange.start(question.kind === 'discover' ? this.#pauseBefore(client, withinMs === null) : 0);
  }

  keep({ owner, times }: StepOf<'dhcp.keep'>): void {
    const client = this.#client(owner);
    this.#silence(client);
    client.times = times;
    if (!times) return;
    this.#alarm(client, times.renewAt, () => this.#listener(owner, { type: 'dhcp.t1' }));
    this.#alarm(client, times.rebindAt, () => this.#listener(owner, { type: 'dhcp.t2' }));
    this.#alarm(client, times.expiresAt, () => this.#listener(owner, { type: 'dhcp.expired' }));
  }

  /** Ignores kernel errors: a server that does not receive the release waits for the end of the lease. */
  release({ owner, place, lease }: StepOf<'dhcp.release'>): void {
    this.stop(owner);
    if (!lease) return;
    const { address, server, serverMac } = lease;
    const transaction = randomInt(2 ** 32);
    try {
      const socket = new DhcpClientSocket(place, transaction);
      try {
        const way = { source: address, destination: server, destinationMac: serverMac };
        socket.send(releaseMessage(place, lease, transaction), way);
      } finally {
        socket.close();
      }
    } catch (error) {
      if ((error as Partial<native.SystemError>).errno === undefined) throw error;
    }
  }

  stop(owner: ActorAddress): void {
    const client = this.#clients.get(owner);
    if (!client) return;
    this.#clients.delete(owner);
    client.exchange?.close();
    this.#cancelDeadline(client);
    this.#silence(client);
  }

  close(): void {
    for (const owner of [...this.#clients.keys()]) this.stop(owner);
  }

  #client(owner: ActorAddress): Client {
    const known = this.#clients.get(owner);
    if (known) return known;
    const client: Client = {
      exchange: null,
      deadline: null,
      alarms: new Set(),
      times: null,
      discoveredMs: -Infinity,
      transaction: null,
      refusal: null,
      vainOffers: 0,
    };
    this.#clients.set(owner, client);
    return client;
  }

  #deadline(owner: ActorAddress, client: Client, withinMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      client.deadline = null;
      const detail = client.exchange?.trouble ?? client.refusal;
      client.exchange?.close();
      client.exchange = null;
      this.#listener(owner, { type: 'dhcp.timeout', detail });
    }, withinMs).unref();
  }

  #cancelDeadline(client: Client): void {
    if (client.deadline) clearTimeout(client.deadline);
    client.deadline = null;
  }

  #pauseBefore(client: Client, isCalm: boolean): number {
    const nowMs = performance.now();
    const { least, most } = betweenDiscoversMs;
    const betweenMs = isCalm ? Math.min(least * 2 ** client.vainOffers, most) : least;
    const pauseMs = Math.max(client.discoveredMs + betweenMs - nowMs, 0);
    client.discoveredMs = nowMs + pauseMs;
    return pauseMs;
  }

  #alarm(client: Client, atMs: number, ring: () => void): void {
    const alarm: Alarm = new Alarm(atMs, () => {
      client.alarms.delete(alarm);
      ring();
    });
    client.alarms.add(alarm);
  }

  #silence(client: Client): void {
    for (const alarm of client.alarms) alarm.cancel();
    client.alarms.clear();
  }
}

/** Returns the DISCOVER's transaction for a REQUEST, and a new one for every other question. */
function transactionOf(client: Client, { kind }: DhcpQuestion): Transaction {
  if (kind !== 'request' || !client.transaction) client.transaction = newTransaction();
  return client.transaction;
}

function refusalAfter(before: string | null, outcome: DhcpOutcome): string | null {
  if (outcome.type === 'dhcp.acknowledged') return null;
  if (outcome.type !== 'dhcp.refused') return before;
  const { server, message } = outcome;
  return `${server ? `server ${server}` : 'a server'} refused the request for the address that it offered${message ? `: ${message}` : ''}`;
}

function vainOffersAfter(before: number, { type }: DhcpOutcome): number {
  if (type === 'dhcp.acknowledged') return 0;
  return type === 'dhcp.offered' ? before : before + 1;
}

function paceOf({ question, withinMs }: Pick<Asked, 'question' | 'withinMs'>, times: DhcpTimes | null): Pace {
  if (question.kind === 'request') return once;
  if (withinMs !== null) return hasty;
  if (question.kind === 'renew') return until(times?.rebindAt ?? Infinity);
  if (question.kind === 'rebind') return until(times?.expiresAt ?? Infinity);
  return calm;
}
