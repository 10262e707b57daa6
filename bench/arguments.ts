import { parseArgs } from 'node:util';
import { isPeerKey, type PeerKey, peerKeys, usualPeers } from './peers/catalogue.ts';

export const scenarioNames = ['pairs', 'throughput', 'crowd', 'edges', 'startup'] as const;
export type ScenarioName = (typeof scenarioNames)[number];

export interface BenchArguments {
  quick: boolean;
  json: boolean;
  /** ascending: containers present while a pair is measured */
  populations: number[];
  /** of each pair, at most */
  rounds: number;
  /** of the scenario with many containers */
  crowd: number;
  peers: PeerKey[];
  scenarios: ScenarioName[];
  /** a built checkout of netloom, measured beside this one; null: no other build */
  beside: string | null;
  /** where performance.md and performance.svg are written; null: not written */
  output: string | null;
}

export const usage = `npm run bench -- [options]
  --quick              set-up and teardown with none present only, in less than a minute; writes no documents
  --json               print the figures as JSON and nothing else
  --populations 0,100  how many containers are present (default 0,100,500,1000)
  --rounds 100         of each pair, at most
  --crowd 1000         containers of the scenario with many
  --peers a,b          only these: ${peerKeys.join(', ')}
  --scenarios a,b      only these: ${scenarioNames.join(', ')}
  --beside DIR         only set-ups and teardowns beside another build of netloom: a checkout in which \`npm run build\` was run
  --output DIR         where performance.md and performance.svg are written (default docs when all is measured, else nowhere)`;

/** Throws an Error that names the wrong argument. */
export function parseArguments(args: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      populations: { type: 'string' },
      rounds: { type: 'string' },
      crowd: { type: 'string' },
      peers: { type: 'string' },
      scenarios: { type: 'string' },
      beside: { type: 'string' },
      output: { type: 'string' },
    },
  });
  const { quick, json } = values;
  const { rounds, crowd } = values;
  const beside = values.beside ?? null;
  const {
    populations = beside === null ? undefined : '0,1000',
    peers = beside === null ? undefined : besidePeers.join(','),
    scenarios = beside === null ? undefined : 'pairs',
  } = values;
  const isWhole = !quick && [populations, rounds, crowd, peers, scenarios].every((value) => value === undefined);
  return {
    quick,
    json,
    populations: numbers('populations', populations ?? (quick ? '0' : '0,100,500,1000')),
    rounds: oneNumber('rounds', rounds ?? (quick ? '300' : '200')),
    crowd: oneNumber('crowd', crowd ?? '1000'),
    peers: named('peers', peers ?? (quick ? quickPeers : usualPeers).join(','), isPeerKey),
    scenarios: named('scenarios', scenarios ?? (quick ? 'pairs' : scenarioNames.join(',')), isScenario),
    beside,
    output: values.output ?? (isWhole ? 'docs' : null),
  };
}

const besidePeers: PeerKey[] = ['netloom', 'netloom-beside', 'floor'];

/** The peers of the quick report. */
const quickPeers: PeerKey[] = ['netloom', 'floor', 'door', 'netavark-nftables', 'netavark-iptables'];

const isScenario = (text: string): text is ScenarioName => (scenarioNames as readonly string[]).includes(text);

function named<T extends string>(option: string, text: string, isKnown: (each: string) => each is T): T[] {
  return text.split(',').map((each) => {
    if (!isKnown(each)) throw new Error(`--${option}: there is no ${JSON.stringify(each)}`);
    return each;
  });
}

function numbers(option: string, text: string): number[] {
  return text
    .split(',')
    .map((each) => oneNumber(option, each))
    .toSorted((one, other) => one - other);
}

function oneNumber(option: string, text: string): number {
  if (!/^\d{1,4}$/.test(text))
    throw new Error(`--${option}: ${JSON.stringify(text)} is not a number of at most 4 digits`);
  return Number(text);
}
