import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { currentNetnsIdentity, holdPort, netnsIdentity } from '#native';
import { becomeHost, faultOf, type Host } from './host.ts';

let host: Host;
beforeAll(async () => {
  host = await becomeHost();
});
afterAll(() => host.close());

const openFiles = () => fs.readdirSync('/proc/self/fd').length;

let count = 0;

async function work(end: 'return' | 'exit' | 'terminate', rounds = 10) {
  count += 1;
  const id = count;
  const directory = path.dirname(host.pin('any'));
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData: { directory, id, rounds, end } });
  const exit = once(worker, 'exit');
  const [message] = await once(worker, 'message');
  if (end === 'terminate') await worker.terminate();
  await exit;
  return message as { made: string[]; moved: boolean; port: number };
}

it('serves several threads at once, and moves none of them to another namespace', async () => {
  const before = currentNetnsIdentity();
  const results = await Promise.all([work('return', 50), work('return', 50), work('return', 50)]);
  for (const { made, moved } of results) {
    expect(moved).toBe(false);
    expect(made.filter((pin) => netnsIdentity(pin) !== null)).toHaveLength(25);
  }
  expect(currentNetnsIdentity()).toEqual(before);
}, 30_000);

it.each(['return', 'exit', 'terminate'] as const)(
  'releases everything when a thread with open watches ends (%s)',
  async (end) => {
    await work(end);
    const before = openFiles();
    for (let i = 0; i < 5; i++) {
      const { port } = await work(end);
      expect(faultOf(() => holdPort('tcp', '127.0.0.1', port).close())).toBeNull();
    }
    expect(openFiles()).toBe(before);
  },
  30_000,
);
