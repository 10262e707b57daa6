import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import type { Span } from '../../src/threads/span.ts';

/** Loaded into the daemon before anything else, on each of its threads: writes down what it tells of its work. */

/** Files of this name, with the number of the thread behind it. */
export const spansVariable = 'NETLOOM_BENCH_SPANS';
export const writtenEveryMs = 100;

const lines: string[] = [];

function write(): void {
  if (lines.length > 0) appendFileSync(`${process.env[spansVariable]}.${threadId}`, `${lines.splice(0).join('\n')}\n`);
}

subscribe('netloom:span', (message) => {
  const { name, startNs, endNs } = message as Span;
  lines.push(JSON.stringify([name, Number(startNs), Number(endNs), threadId]));
});
setInterval(write, writtenEveryMs).unref();
