import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchArguments, parseArguments, usage } from './arguments.ts';
import { Host } from './host/host.ts';
import type { Verb, Verbs } from './host/protocol.ts';
import { describeMachine } from './machine.ts';
import { catalogue, type PeerKey } from './peers/catalogue.ts';
import { figuresOf, type Reported, withFigures } from './report/document.ts';
import { quickReport } from './report/quick.ts';
import type { Results } from './results.ts';
import { measureNeighbours } from './scenarios/neighbours.ts';

/** `npm run bench`: see `usage` for its options, docs/performance.md for what it has found. */

const say = (line: string) => console.error(line);

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    console.log(usage);
    return;
  }
  const options = parseArguments(args);
  if (process.getuid?.() !== 0) throw new Error('the bench makes network namespaces: it needs root');
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
    // loaded for those who draw only: it is large
    const { plotSvg } = await import('./report/plot.ts');
    writeFileSync(join(directory, 'performance.svg'), await plotSvg(pairs));
  }
  say(`written: ${file}`);
}

async function measure(options: BenchArguments): Promise<Results> {
  const { quick, rounds, scenarios, peers, populations, crowd } = options;
  const wanted = (name: (typeof scenarios)[number]) => scenarios.includes(name);
  const neighbours = await measureNeighbours({
    peers: wanted('pairs') ? peers.filter((peer) => !quick || !isSecondNetavark(peer)) : [],
    populations,
    pair: { rounds, withinMs: quick ? 5_000 : 12_000 },
    warmUp: { rounds: 200, withinMs: 2_500 },
    populateWithinMs: 240_000,
    say,
  });
  const clients = [1, 2, 4, 8];
  return {
    neighbours,
    throughput: wanted('throughput') ? await alone('throughput', { clients, containers: 500 }) : null,
    crowd: wanted('crowd') ? await alone('crowd', { containers: crowd, idleSeconds: 10 }) : null,
    edges: wanted('edges')
      ? [
          ...(await alone('edges', { present: 0, rounds, warmUp: 200 })),
          ...(await alone('edges', { present: Math.max(...populations), rounds, warmUp: 200 })),
        ]
      : [],
  };
}

/** The quick report has room for one of them: the newer, if it is here. */
const isSecondNetavark = (peer: PeerKey): boolean =>
  peer === 'netavark-iptables' && catalogue['netavark-nftables']().missing() === null;

/** On a host that is there for this alone. */
async function alone<V extends Verb>(verb: V, plan: Verbs[V][0]): Promise<Verbs[V][1]> {
  say(`measuring: ${verb}`);
  const host = new Host(verb);
  try {
    return await host.ask(verb, plan);
  } finally {
    await host.close();
  }
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
