import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { containerAt, subnet } from '../peers/container.ts';
import { NetloomSite } from '../peers/netloom.ts';
import { breakDown, type Interval } from '../spans/breakdown.ts';
import { spansVariable, writtenEveryMs } from '../spans/collector.ts';
import { middleHalf } from '../statistics.ts';
import { firstGuest, guests } from './pairs.ts';

export interface EdgesPlan {
  /** containers that exist meanwhile */
  present: number;
  rounds: number;
  warmUp: number;
}

export interface CommandEdges {
  present: number;
  command: string;
  /** from the client's call to its answer */
  ms: number;
  /** its parts, in the order in which they begin */
  parts: { name: string; ms: number }[];
}

const commands = ['container.setup', 'container.teardown'] as const;
type Command = (typeof commands)[number];

/** Time that the client sees and the daemon does not, and time that no span of the daemon covers. */
const outside = 'NATS, both ways, and the client';
const between = 'between threads and turns';
/** Continues after the command is answered. */
const behindTheAnswer = ['link.gone'];

/** Where the time of a command goes: every moment of it belongs to the innermost span of the daemon that covers it. */
export async function measureEdges({ present, rounds, warmUp }: EdgesPlan): Promise<CommandEdges[]> {
  const site = await collecting(() => NetloomSite.open());
  await site.client.network.create({ name: 'bench', subnets: [{ subnet }], dns_enabled: false });
  for (let index = 0; index < present; index++) {
    const { name: id, ports } = containerAt(index);
    await site.client.container.setup({ id, networks: [{ network: 'bench' }], ports });
  }
  await comeAndGo(site, warmUp);
  await site.settle();
  const calls = await comeAndGo(site, rounds);
  await delay(5 * writtenEveryMs);
  const spans = readSpans();
  return commands.map((command) => ({ present, ...edgesOf(command, calls[command], spans) }));
}

/** Runs a function that starts a daemon, so that the daemon writes its spans down. */
async function collecting<T>(start: () => Promise<T>): Promise<T> {
  const collector = new URL('../spans/collector.js', import.meta.url);
  process.env[spansVariable] = spansFile;
  process.env.NODE_OPTIONS = `--import=${collector.href}`;
  try {
    return await start();
  } finally {
    delete process.env[spansVariable];
    delete process.env.NODE_OPTIONS;
  }
}

const directory = '/run';
const spansName = 'spans';
const spansFile = `${directory}/${spansName}`;

async function comeAndGo({ client }: NetloomSite, rounds: number): Promise<Record<Command, Interval[]>> {
  const calls: Record<Command, Interval[]> = { 'container.setup': [], 'container.teardown': [] };
  const timed = async (command: Command, call: () => Promise<unknown>) => {
    const startNs = Number(process.hrtime.bigint());
    await call();
    calls[command].push({ name: command, startNs, endNs: Number(process.hrtime.bigint()) });
  };
  for (let round = 0; round < rounds; round++) {
    const { name: id, ports } = containerAt(firstGuest + (round % guests));
    await timed('container.setup', () => client.container.setup({ id, networks: [{ network: 'bench' }], ports }));
    await timed('container.teardown', () => client.container.teardown({ id }));
    await client.container.remove({ id });
  }
  return calls;
}

function readSpans(): Interval[] {
  const files = readdirSync(directory).filter((name) => name.startsWith(`${spansName}.`));
  const lines = files.flatMap((name) => readFileSync(`${directory}/${name}`, 'utf8').trim().split('\n'));
  return lines
    .map((line) => JSON.parse(line) as [string, number, number])
    .map(([name, startNs, endNs]) => ({ name, startNs, endNs }));
}

/** Mean times of the calls in the middle half, which took neither much less nor much more than others: they add up. */
function edgesOf(
  command: Command,
  calls: readonly Interval[],
  spans: readonly Interval[],
): Omit<CommandEdges, 'present'> {
  const middle = middleHalf(calls, ({ startNs, endNs }) => endNs - startNs);
  const sums = new Map<string, number>();
  for (const call of middle) {
    const within = spans.filter(({ startNs, endNs }) => startNs < call.endNs && endNs > call.startNs);
    const named = within
      .filter(({ name }) => !behindTheAnswer.includes(name))
      .map((span) => (span.name === command ? { ...span, name: between } : span));
    for (const [name, ns] of breakDown(call, named, outside)) sums.set(name, (sums.get(name) ?? 0) + ns);
  }
  const mean = (ns: number) => ns / middle.length / 1e6;
  const parts = [...sums].map(([name, ns]) => ({ name, ms: mean(ns) }));
  return { command, ms: mean(middle.reduce((sum, { startNs, endNs }) => sum + endNs - startNs, 0)), parts };
}
