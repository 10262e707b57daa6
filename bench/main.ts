import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type BenchArguments, parseArguments, type ScenarioName, usage } from './arguments.ts';
import { Host } from './host/host.ts';
import { namespaceCount, namespacesAreGone } from './host/namespaces.ts';
import type { Verb, Verbs } from './host/protocol.ts';
import { describeMachine } from './machine.ts';
import { besideVariable, catalogue, type PeerKey } from './peers/catalogue.ts';
import { figuresOf, type Reported, withFigures } from './report/document.ts';
import { quickReport } from './report/quick.ts';
import type { Results } from './results.ts';
import { measureNeighbours, pairsAmong } from './scenarios/neighbours.ts';
import type { Limits } from './scenarios/pairs.ts';
import { measureStartup } from './scenarios/startup.ts';

/** `npm run bench`: see `usage` for its options, docs/performance.md for its results. */

const report = (line: string) => console.error(line);

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    console.log(usage);
    return;
  }
  const options = parseArguments(args);
  if (process.getuid?.() !== 0) throw new Error('the bench makes network namespaces: it needs root');
  if (options.beside !== null) process.env[besideVariable] = resolve(options.beside);
  const startedMs = performance.now();
  const results = await measure(options);
  const minutes = (performance.now() - startedMs) / 60_000;
  if (options.output !== null)
    await writeDocuments(options.output, { ...results, machine: describeMachine(), minutes });
  if (options.json) console.log(JSON.stringify(options.quick ? quickReport(results.neighbours.pairs) : results));
  else console.log(figuresOf({ ...results, machine: describeMachine(), minutes }));
}

/** The text around the figures is kept. */
async function writeDocuments(directory: string, reported: Reported): Promise<void> {
  const file = join(directory, 'performance.md');
  writeFileSync(file, withFigures(readFileSync(file, 'utf8'), figuresOf(reported)));
  const { pairs } = reported.neighbours;
  if (pairs.length > 0) {
    // loaded only for drawing: it is large
    const { plotSvg } = await import('./report/plot.ts');
    writeFileSync(join(directory, 'performance.svg'), await plotSvg(pairs));
  }
  report(`written: ${file}`);
}

/** The pairs come last: afterwards thousands of namespaces are removed, which keeps the kernel busy for minutes. */
async function measure(options: BenchArguments): Promise<Results> {
  const { quick, rounds, scenarios, populations, crowd } = options;
  const ifWanted = async <T>(name: ScenarioName, otherwise: T, work: () => Promise<T>) =>
    scenarios.includes(name) ? work() : otherwise;
  const clients = [1, 2, 4, 8];
  return {
    startup: await ifWanted<Results['startup']>('startup', [], async () => {
      report('measuring: startup');
      return measureStartup({ rounds });
    }),
    throughput: await ifWanted<Results['throughput']>('throughput', null, () =>
      alone('throughput', { clients, containers: 500 }),
    ),
    crowd: await ifWanted<Results['crowd']>('crowd', null, () =>
      alone('crowd', { containers: crowd, idleSeconds: 10 }),
    ),
    edges: await ifWanted<Results['edges']>('edges', [], async () => [
      ...(await alone('edges', { present: 0, rounds, warmUp: rounds })),
      ...(await alone('edges', { present: Math.max(...populations), rounds, warmUp: rounds })),
    ]),
    neighbours: await measureNeighbours({
      peers: scenarios.includes('pairs') ? peersOf(options) : [],
      pairsOf: (peers) => pairsAmong(peers).filter(({ one }) => one === 'netloom' || !quick),
      populations,
      pair: { rounds, withinMs: quick ? 5_000 : 8_000 },
      sittings: options.beside === null ? 1 : 4,
      warmUpOf: (peer) => warmUpOf(peer, quick),
      populateWithinMs: 420_000,
      report,
    }),
  };
}

/**
 * A daemon lives for weeks: V8 needs a thousand commands until all used code is compiled, through the door as well.
 * A program in C, or one that is started anew for every container, needs next to no warm-up.
 */
function warmUpOf(peer: PeerKey, quick: boolean): Limits {
  const isDaemon = peer.startsWith('netloom') || peer === 'door';
  return isDaemon
    ? { rounds: 1_500, withinMs: quick ? 7_000 : 15_000 }
    : { rounds: 300, withinMs: quick ? 2_000 : 5_000 };
}

/** The quick report has room for one netavark: the newer, if it is available. */
function peersOf({ quick, peers }: BenchArguments): PeerKey[] {
  const hasNewer = quick && catalogue['netavark-nftables']().missing() === null;
  return peers.filter((peer) => !hasNewer || peer !== 'netavark-iptables');
}

/** On a host for this purpose alone. */
async function alone<V extends Verb>(verb: V, plan: Verbs[V][0]): Promise<Verbs[V][1]> {
  report(`measuring: ${verb}`);
  const before = namespaceCount();
  const host = new Host(verb);
  try {
    return await host.ask(verb, plan);
  } finally {
    await host.close();
    await namespacesAreGone(before, 90_000);
  }
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
