import type { HostContext } from '../../machines/host/chart.ts';
import type { NetworkContext } from '../../machines/network/chart.ts';
import { ActorSystem, type Outside } from '../../src/actors/actor-system.ts';
import { type ActorRecord, type Answer, Journal } from '../../src/actors/journal.ts';
import type { ActorAddress } from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { type Fault, faultOf } from '../../src/core/fault.ts';
import { describePurpose } from '../../src/core/plan/purpose.ts';
import { describeStep, inverse, type Step } from '../../src/core/steps/step.ts';
import type { Kernel, Performed } from '../../src/kernel/kernel.ts';
import { NativeKernel } from '../../src/kernel/native-kernel.ts';
import { batchFrom } from '../../src/kernel/rtnetlink/batch.ts';
import { ResolverClient } from '../../src/resolver/client.ts';
import { ResolverThread } from '../../src/resolver/thread.ts';
import { servicesIn } from '../support/kernel-services.ts';

/**
 * A daemon without bus and without workers, in a process of its own: journal, actors, resolver, and the real kernel
 * behind one that performs step by step, refuses the n-th, or kills the process there. Started from dist/.
 */

/** What is to happen at the n-th kernel step from now on, counted from 1. */
export type Trap =
  | {
      kind: 'refuse';
      nth: number;
      errno: string;
      /**
       * what becomes of what comes behind it: `as-usual`; `batch`: what would have gone to the kernel in the same message
       * is performed, as the kernel does; `refused`: nothing else of that plan can be done either, nor taken back
       */
      rest: 'as-usual' | 'batch' | 'refused';
    }
  | { kind: 'kill'; nth: number; when: 'before' | 'after' };

export interface Traced {
  /** steps that were asked for since the trap was set, described, and whether the kernel can refuse them */
  steps: { step: string; isRefusable: boolean }[];
  /** the step that was refused; null: the trap was not reached */
  refused: { verb: string; step: string } | null;
}

export interface Told {
  source: string;
  fact: string;
  fault: Fault | null;
}

export interface Orders {
  /** hands a command in, once however often it is said; answers when it is answered and all is quiet */
  say: [{ to: ActorAddress; event: object; command: string }, Answer];
  /** something that comes to an actor by itself */
  tell: [{ to: ActorAddress; event: ActorEvent }, null];
  set: [{ trap: Trap | null }, null];
  trace: [null, Traced];
  /** what the actors have given out, which containers are up, whose names are answered for; one line each */
  books: [null, string[]];
  facts: [{ after: number }, { facts: Told[]; last: number }];
}
export type Verb = keyof Orders;
export type Order = { id: number } & { [V in Verb]: { verb: V; input: Orders[V][0] } }[Verb];
export type Reply = { id: number; output: unknown; error: string | null };

/** A refused operation is named so in messages. */
const injected = 'injected';
/** These close what the process itself holds open: the kernel cannot refuse that. */
const unfailing: ReadonlySet<string> = new Set([
  'port.release',
  'process.unwatch',
  'netns.unwatch',
  // what goes wrong there comes as an event
  'dhcp.ask',
  'dhcp.keep',
  'dhcp.release',
  'dhcp.stop',
]);
/** The daemon itself says these, and the next daemon says them again. */
const unanswered: ReadonlySet<ActorEvent['type']> = new Set(['definition.found', 'definition.lost', 'drift.suspected']);
/** What comes behind the first refusal is refused with this. */
const laterErrno = 'EPERM';
/** Far longer than anything takes here. */
const patienceMs = 10_000;

class SteppedKernel implements Kernel {
  #trap: Trap | null = null;
  #count = 0;
  #traced: Traced = { steps: [], refused: null };
  /** the steps of the plan that was refused, and those that take them back */
  #plan: ReadonlySet<string> = new Set();

  constructor(private readonly kernel: Kernel) {}

  set(trap: Trap | null): void {
    this.#trap = trap;
    this.#count = 0;
    this.#traced = { steps: [], refused: null };
  }

  get traced(): Traced {
    return this.#traced;
  }

  async perform(steps: readonly Step[], mending = false): Promise<Performed> {
    const all: Performed = { outputs: [], done: [], changed: [], failure: null };
    for (const [index, step] of steps.entries()) {
      const ordinal = ++this.#count;
      this.#traced.steps.push({ step: describeStep(step), isRefusable: !unfailing.has(step.verb) });
      const errno = this.#refusal(step, ordinal, steps);
      if (errno !== null) {
        if (this.#trap?.kind === 'refuse' && this.#trap.rest === 'batch')
          await this.#finish(steps, index, mending, all);
        return { ...all, failure: { index, op: injected, errno, detail: null } };
      }
      this.#dieIf('before', ordinal);
      const { failure } = await this.#one(step, index, mending, all);
      this.#dieIf('after', ordinal);
      if (failure) return { ...all, failure: { ...failure, index } };
    }
    return all;
  }

  async #one(step: Step, index: number, mending: boolean, all: Performed): Promise<Performed> {
    const performed = await this.kernel.perform([step], mending);
    all.outputs.push(...performed.outputs);
    if (performed.done.length > 0) all.done.push(index);
    if (performed.changed.length > 0) all.changed.push(index);
    return performed;
  }

  /** The rest of the message that the refused step would have gone in: each is judged by itself. */
  async #finish(steps: readonly Step[], from: number, mending: boolean, all: Performed): Promise<void> {
    const { length } = batchFrom(steps, from);
    for (let index = from + 1; index < from + length; index++)
      await this.#one(steps[index] as Step, index, mending, all);
  }

  #refusal(step: Step, ordinal: number, plan: readonly Step[]): string | null {
    const trap = this.#trap;
    const { refused } = this.#traced;
    if (trap?.kind !== 'refuse' || unfailing.has(step.verb)) return null;
    if (refused) return trap.rest === 'refused' && this.#plan.has(JSON.stringify(step)) ? laterErrno : null;
    if (ordinal !== trap.nth) return null;
    // not the step itself: another plan may have the same one
    const others = plan.flatMap((one) => (one === step ? [] : [one, inverse(one)]));
    this.#plan = new Set(others.map((one) => JSON.stringify(one)));
    this.#traced.refused = { verb: step.verb, step: describeStep(step) };
    return trap.errno;
  }

  #dieIf(when: 'before' | 'after', ordinal: number): void {
    const trap = this.#trap;
    if (trap?.kind === 'kill' && trap.when === when && ordinal === trap.nth) process.kill(process.pid, 'SIGKILL');
  }

  statistics: Kernel['statistics'] = (path, ports) => this.kernel.statistics(path, ports);
  dropped = () => this.kernel.dropped();
  hostIp = () => this.kernel.hostIp();
  hostLinks = () => this.kernel.hostLinks();
  findLink = (...wanted: Parameters<Kernel['findLink']>) => this.kernel.findLink(...wanted);
  onFact: Kernel['onFact'] = (listener) => this.kernel.onFact(listener);
  close = () => this.kernel.close();
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 1));

async function run(directory: string): Promise<void> {
  const resolver = await ResolverThread.start();
  const names = new ResolverClient(resolver.connect());
  const journal = new Journal(directory);
  journal.noticeBoot('the only one');
  const netnsDirectory = `${directory}/netns`;
  const kernel = new SteppedKernel(new NativeKernel(netnsDirectory, { ...servicesIn(directory), names }));
  const unexpected: string[] = [];
  const outside: Outside = {
    deliver: () => unexpected.push('something was sent to another worker'),
    committed: () => {},
    stalled: ({ message }) => unexpected.push(message),
    unexpected: (address, event, error) => unexpected.push(`${address} ${event.type}: ${error}`),
  };
  const settings = { index: 0, workers: 1, netnsDirectory, searchDomain: 'dns.netloom', node: 'testnode' };
  const system = new ActorSystem(journal, kernel, outside, settings);

  const unfinished = (): string[] => [
    ...journal
      .actors()
      .flatMap(({ address }) =>
        journal.pendingOf(address).map(({ plan }) => `${address} has plan ${describePurpose(plan.purpose)} out`),
      ),
    ...journal
      .inboxAddresses()
      .flatMap((address) => journal.inboxOf(address).map(({ event }) => `${address} has not read ${event.type}`)),
  ];
  const settle = async () => {
    const deadline = Date.now() + patienceMs;
    for (let quiet = 0; quiet < 2; ) {
      if (Date.now() > deadline) throw new Error(`still under way: ${unfinished().join('; ')}`);
      await pause();
      quiet = unfinished().length === 0 ? quiet + 1 : 0;
    }
    if (unexpected.length > 0) throw new Error(unexpected.join('; '));
  };

  /** While a DHCP server is waited for, nothing of the actors is under way. */
  const replyTo = async (command: string) => {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const reply = journal.replyTo(command);
      if (reply) return reply;
      if (Date.now() > deadline) throw new Error(`${command} was not answered`);
      await pause();
    }
  };

  const verbs: { [V in Verb]: (input: Orders[V][0]) => Orders[V][1] | Promise<Orders[V][1]> } = {
    say: async ({ to, event, command }) => {
      if (unanswered.has((event as ActorEvent).type)) {
        await verbs.tell({ to, event: event as ActorEvent });
        return { command, time: Date.now() };
      }
      const delivery = journal.take(command, to, { ...event, command } as ActorEvent);
      if (delivery) system.deliver(delivery);
      await settle();
      const reply = await replyTo(command);
      await settle();
      return { command, ...reply };
    },
    tell: async ({ to, event }) => {
      system.deliver(journal.enqueue(to, event));
      await settle();
      return null;
    },
    set: ({ trap }) => {
      kernel.set(trap);
      return null;
    },
    trace: () => kernel.traced,
    books: async () => {
      const served = (await names.status()).networks.map(
        ({ name, containers, names }) => `names of ${name}: ${containers} containers, ${names} names`,
      );
      return [...ledgerLines(journal), ...served];
    },
    facts: ({ after }) => {
      const records = journal.after(after, 100_000);
      const facts = records.map(({ source, fact, data }) => ({
        source,
        fact,
        fault: (data as { fault?: Fault }).fault ?? null,
      }));
      return { facts, last: journal.lastSequence() };
    },
  };

  system.restore();
  for (const kind of ['host', 'network', 'container', 'dhcp'] as const) system.wake(kind);
  await settle();
  process.on('message', async ({ id, verb, input }: Order) => {
    try {
      const output = await (verbs[verb] as (input: unknown) => unknown)(input);
      process.send?.({ id, output, error: null } satisfies Reply);
    } catch (error) {
      process.send?.({ id, output: null, error: faultOf(error).message } satisfies Reply);
    }
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ id: 0, output: null, error: null } satisfies Reply);
}

const ledgerLines = (journal: Journal): string[] => [
  ...journal.actorsOf('container').flatMap(({ address, record }) => linesOfContainer(address, record)),
  ...journal.actorsOf('dhcp').flatMap(({ address, record }) => linesOfDhcp(address, record)),
  ...journal.actorsOf('host').flatMap(({ record }) => linesOfHost(record.context)),
  ...journal.actorsOf('network').flatMap(({ address, record }) => linesOfNetwork(address, record.context)),
];

/** As JSON, whichever way led to it. */
const inOrder = (held: object): string =>
  JSON.stringify(Object.fromEntries(Object.entries(held).sort(([key], [other]) => (key < other ? -1 : 1))));

function linesOfHost({ ports, holding, networks, surveying }: HostContext): string[] {
  return [
    ...Object.entries(ports).map(([id, held]) => `host gave ${id} ${JSON.stringify(held)}`),
    ...Object.keys(holding).map((id) => `host holds for ${id}`),
    ...Object.entries(networks).map(([name, held]) => `host gave network ${name} ${inOrder(held)}`),
    ...surveying.map(({ network }) => `host surveys for ${network}`),
  ];
}

function linesOfNetwork(address: string, { leases, waiting }: NetworkContext): string[] {
  return [
    ...Object.entries(leases).map(([id, held]) => `${address} gave ${id} ${held.join(', ')}`),
    ...waiting.map(({ container }) => `${container} waits for ${address}`),
  ];
}

/** Of one that is not up nothing is in the kernel; what it is called then tells how that came. */
function linesOfContainer(address: string, { value, context }: ActorRecord<'container'>): string[] {
  if (typeof value !== 'object') return [];
  const joins = context.wish?.attachments.map(({ network }) => network);
  return [`${address} is ${JSON.stringify(value)} on ${joins?.join(', ')} with ${JSON.stringify(context.ports)}`];
}

const linesOfDhcp = (address: string, { value }: ActorRecord<'dhcp'>): string[] =>
  typeof value === 'object' ? [`${address} is ${JSON.stringify(value)}`] : [];

void run(process.argv[2] as string);
