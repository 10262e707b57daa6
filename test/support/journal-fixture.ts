import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { ContainerView, NetworkView } from '../../src/core/view.ts';

/** The world in which the code of some version wrote the journal; test/fixtures/README.md has its fields. */
export interface JournalFixture {
  journalVersion: number;
  /** the code that wrote it */
  commit: string;
  runDirectory: string;
  stateDirectory: string;
  node: string;
  bootId: string;
  /** number of the last event */
  events: number;
  containers: ContainerView[];
  networks: NetworkView[];
  kernel: {
    ruleset: string[];
    sysctls: Record<string, string>;
    namespaces: { netns: string | null; links: Record<string, unknown>[]; routes: Record<string, unknown>[] }[];
  };
}

const fixtures = 'test/fixtures';

/** Numbers of the versions whose journals are stored. */
export function journalVersions(): number[] {
  return readdirSync(fixtures)
    .flatMap((name) => /^journal-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((one, other) => one - other);
}

export function journalFixture(version: number): JournalFixture {
  return JSON.parse(readFileSync(`${fixtures}/journal-${version}/description.json`, 'utf8'));
}

/** Puts the journal where a daemon with this run directory looks for it. */
export function unpackJournal(version: number, runDirectory: string): void {
  mkdirSync(`${runDirectory}/journal`, { recursive: true });
  const data = gunzipSync(readFileSync(`${fixtures}/journal-${version}/data.mdb.gz`));
  writeFileSync(`${runDirectory}/journal/data.mdb`, data);
}
