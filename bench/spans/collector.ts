import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import type { Span } from '../../src/threads/span.ts';

/** Loaded first on each thread of the daemon: records the spans that the thread publishes. */

/** Files of this name, followed by the number of the thread. */
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
