import { randomInt } from 'node:crypto';
import type { DhcpEvent } from '../../core/actor-event.ts';
import { type DhcpMessage, optionCodes } from '../../core/dhcp/message.ts';
import { type DhcpQuestion, questionMessage } from '../../core/dhcp/requests.ts';
import { refusalText, termsOf } from '../../core/dhcp/terms.ts';
import type { DhcpPlace } from '../../core/steps/dhcp.ts';
import { systemFaultOf } from '../system-fault.ts';
import { DhcpClientSocket, type Heard, toEverybody, type Way } from './socket.ts';

/** Outcome of a question. */
export type DhcpOutcome = Extract<
  DhcpEvent,
  { type: 'dhcp.offered' | 'dhcp.acknowledged' | 'dhcp.refused' | 'dhcp.unacknowledged' }
>;

/** Schedule for repeating a question. Between two rounds no socket is open, and the namespace can end. */
export interface Pace {
  /** within one round, counted from its start */
  sendAfterMs: readonly number[];
  /** after the last of them */
  listenMs: number;
  /** until the next round; `round` counts from 0, null: no next round */
  pauseMs(round: number): number | null;
}

/** For a container that waits. */
export const hasty: Pace = { sendAfterMs: [0, 500, 1500, 3500], listenMs: 2000, pauseMs: () => 0 };
/** For a server that has just made an offer: if it does not answer, another one is better. */
export const once: Pace = { sendAfterMs: [0, 500, 1500], listenMs: 1000, pauseMs: () => null };
/** For a network that may have no server for hours. */
export const calm: Pace = {
  sendAfterMs: [0, 1000, 2000, 4000],
  listenMs: 2000,
  pauseMs: (round) => Math.min(2_000 * 2 ** round, 60_000),
};
/** RFC 2131, 4.4.5: repeats after half of the remaining time. */
export const until = (atMs: number): Pace => ({
  sendAfterMs: [0, 1000, 3000],
  listenMs: 3000,
  pauseMs: () => Math.max((atMs - Date.now()) / 2, 1000),
});

/** How long the offer of a server that has failed before waits for another server's offer. */
const secondChoiceMs = 500;

/** RFC 2131, 4.4.1: data shared by a DISCOVER and the REQUEST that follows its answer. */
export interface Transaction {
  readonly number: number;
  readonly startedMs: number;
  /** from its start until the last DISCOVER */
  seconds: number;
}

export const newTransaction = (): Transaction => ({ number: randomInt(2 ** 32), startedMs: Date.now(), seconds: 0 });

export interface Asking {
  place: DhcpPlace;
  question: DhcpQuestion;
  pace: Pace;
  /** Describes the present use of an address, as the rest of a sentence (holder.ts); null: free. */
  holderOf(address: string): string | null;
}

/** One question, asked until it is answered, given up or closed. */
export class Exchange {
  /** why an answer was not accepted, or why sending failed */
  trouble: string | null = null;
  readonly #timers = new Set<NodeJS.Timeout>();
  #socket: DhcpClientSocket | null = null;
  #roundMs = 0;
  #isClosed = false;
  #hasSecondChoice = false;

  constructor(
    private readonly asking: Asking,
    private readonly transaction: Transaction,
    private readonly ended: (outcome: DhcpOutcome) => void,
  ) {}

  /** Starts after `afterMs`. */
  start(afterMs = 0): void {
    this.#later(afterMs, () => this.#round(0));
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#shut();
  }

  #round(count: number): void {
    const { sendAfterMs, listenMs, pauseMs } = this.asking.pace;
    this.#roundMs = Date.now();
    try {
      this.#socket = new DhcpClientSocket(this.asking.place, this.transaction.number);
      this.#socket.hear(
        (heard) => this.#hear(heard),
        (why) => {
          this.trouble = why;
        },
      );
    } catch (error) {
      this.#note(error);
    }
    for (const afterMs of sendAfterMs) this.#later(varied(afterMs), () => this.#send());
    this.#later((sendAfterMs.at(-1) as number) * 1.1 + listenMs, () => {
      this.#shut();
      const nextMs = pauseMs(count);
      if (nextMs === null) this.#end({ type: 'dhcp.unacknowledged' });
      else this.#later(varied(nextMs), () => this.#round(count + 1));
    });
  }

  #send(): void {
    const { place, question } = this.asking;
    const { transaction } = this;
    if (question.kind !== 'request')
      transaction.seconds = Math.floor(Math.max(Date.now() - transaction.startedMs, 0) / 1000);
    const sending = { transaction: transaction.number, seconds: transaction.seconds };
    try {
      this.#socket?.send(questionMessage(place, question, sending), this.#way());
    } catch (error) {
      this.#note(error);
    }
  }

  #way(): Way {
    const { question } = this.asking;
    if (question.kind === 'rebind') return toEverybody(question.address);
    if (question.kind !== 'renew') return toEverybody('0.0.0.0');
    return { source: question.address, destination: question.server, destinationMac: question.serverMac };
  }

  #hear({ message, serverMac }: Heard): void {
    const answer = this.#isClosed ? null : this.#read(message, serverMac);
    if (typeof answer === 'string') this.trouble = answer;
    else if (answer && this.#isSecondChoice(answer)) this.#waitForAnother(answer);
    else if (answer) this.#end(answer);
  }

  #isSecondChoice(answer: DhcpOutcome): boolean {
    const { question } = this.asking;
    return question.kind === 'discover' && answer.type === 'dhcp.offered' && answer.terms.server === question.avoid;
  }

  #waitForAnother(offer: DhcpOutcome): void {
    if (this.#hasSecondChoice) return;
    this.#hasSecondChoice = true;
    this.#later(secondChoiceMs, () => this.#end(offer));
  }

  #end(outcome: DhcpOutcome): void {
    this.close();
    this.ended(outcome);
  }

  /** Returns null for an answer to something else, and a string with the reason for an answer that is not acceptable. */
  #read(message: DhcpMessage, serverMac: string): DhcpOutcome | string | null {
    const { question } = this.asking;
    const wanted = question.kind === 'discover' ? 'offer' : 'acknowledge';
    if (message.type !== wanted && (message.type !== 'refuse' || question.kind === 'discover')) return null;
    const server = serverOf(message);
    if ('server' in question && server !== null && server !== question.server) return null;
    if (message.type === 'refuse') return { type: 'dhcp.refused', server, message: refusalText(message) };
    const { otherSubnets = [] } = this.asking.place;
    const terms = termsOf(message, { serverMac, sentAt: this.#roundMs, otherSubnets });
    if (typeof terms === 'string') return terms;
    // the container keeps an address that it has already
    const isNew = question.kind === 'discover' || question.kind === 'request';
    const holder = isNew ? this.asking.holderOf(terms.address) : null;
    if (holder !== null) return `${terms.address} ${holder}`;
    return wanted === 'offer' ? { type: 'dhcp.offered', terms } : { type: 'dhcp.acknowledged', terms };
  }

  #note(error: unknown): void {
    const { errno, detail } = systemFaultOf(error, 'ask DHCP servers');
    this.trouble = detail ? `${errno} (${detail})` : errno;
  }

  #shut(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  #later(afterMs: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, afterMs);
    timer.unref();
    this.#timers.add(timer);
  }
}

/** Varies a delay, so that clients that started together do not keep asking at the same moments. */
const varied = (ms: number): number => ms * (0.9 + Math.random() * 0.2);

function serverOf({ options }: DhcpMessage): string | null {
  const bytes = options.get(optionCodes.server);
  return bytes?.length === 4 ? bytes.join('.') : null;
}
