import { createRequire } from 'node:module';
import { missingStopwatch, Stopwatch } from '../peers/stopwatch.ts';
import { type Summary, summarize } from '../statistics.ts';

/** A process of the command line, from spawn to exit, beside a Node that does nothing. */
export interface Startup {
  /** `netloom --help` */
  command: string;
  ours: Summary;
  bare: Summary;
}

/** Of all pages: the first one, that of a small command, and that of the command with the most options. */
const pages = ['--help', 'ps --help', 'container setup --help'];
const warmUps = 3;

/** Measures both in turn, so that other work of the machine affects both alike. Throws an Error without the stopwatch. */
export function measureStartup({ rounds }: { rounds: number }): Startup[] {
  const missing = missingStopwatch();
  if (missing !== null) throw new Error(`missing: ${missing}`);
  const stopwatch = new Stopwatch();
  const main = createRequire(import.meta.url).resolve('#cli');
  const msOf = (...args: string[]) =>
    stopwatch.run({ command: [process.execPath, ...args], stdin: '', env: { NO_COLOR: '1' } }).ms;
  return pages.map((page) => {
    const samples = Array.from({ length: warmUps + rounds }, () => ({
      ours: msOf(main, ...page.split(' ')),
      bare: msOf('-e', '0'),
    })).slice(warmUps);
    return {
      command: `netloom ${page}`,
      ours: summarize(samples.map(({ ours }) => ours)),
      bare: summarize(samples.map(({ bare }) => bare)),
    };
  });
}
