import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fault, NetloomError } from '../../src/core/fault.ts';
import { type Detach, TeardownQueue } from '../../src/engine/teardown-queue.ts';
import { untilAnswered } from '../support/daemon.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';

let directory: { path: string; remove(): void };
let queue: TeardownQueue | null = null;
let logged: string[];

beforeEach(() => {
  directory = temporaryDirectory();
  mkdirSync(`${directory.path}/teardowns`);
  logged = [];
});
afterEach(() => {
  queue?.stop();
  directory.remove();
});

const leave = (id: string) =>
  writeFileSync(`${directory.path}/teardowns/${id}.json`, JSON.stringify({ id, networks: ['web'] }));
const left = () => readdirSync(`${directory.path}/teardowns`);

async function work(detach: Detach): Promise<void> {
  const log = pino({}, { write: (line) => logged.push(JSON.parse(line).msg) });
  queue = new TeardownQueue(directory.path, detach, log);
  await queue.start();
}

const refuse = (code: 'storage.full' | 'node.draining' | 'node.recovering' | 'worker.lost' | 'kernel.refused') => () =>
  Promise.reject(new NetloomError(fault(code, 'no')));

describe('the queue of teardowns', () => {
  it('the queue carries teardowns out in order, and removes each after its reply', async () => {
    for (const id of ['c2', 'c1']) leave(id);
    const done: string[] = [];
    await work(async ({ id }) => done.push(id));
    expect([done, left()]).toEqual([['c1', 'c2'], []]);
  });

  it.each(['node.draining', 'node.recovering', 'worker.lost'] as const)(
    'the queue keeps a teardown answered with %s for the next daemon',
    async (code) => {
      leave('c1');
      await work(refuse(code));
      expect(left()).toEqual(['c1.json']);
    },
  );

  it('B02 the queue repeats a teardown for which there was no room', async () => {
    leave('c1');
    let tries = 0;
    await work(() => (++tries === 1 ? refuse('storage.full')() : Promise.resolve()));
    expect(left()).toEqual(['c1.json']);
    await untilAnswered(async () => expect(left()).toEqual([]));
  });

  it('the queue drops a teardown that was tried and failed', async () => {
    leave('c1');
    await work(refuse('kernel.refused'));
    expect(left()).toEqual([]);
  });

  it('the queue ignores an entry that is not a file', async () => {
    mkdirSync(`${directory.path}/teardowns/a.json`);
    leave('c1');
    await work(async () => {});
    expect(left()).toEqual(['a.json']);
  });

  it('the queue survives the loss of its directory, even during the work', async () => {
    const done: string[] = [];
    leave('c1');
    await work(async ({ id }) => {
      done.push(id);
      rmSync(`${directory.path}/teardowns`, { recursive: true });
    });
    // the watcher has reported it
    await untilAnswered(async () => expect(logged).toContain('teardowns that were left could not be read'));
    expect(done).toEqual(['c1']);
  });

  it('the queue carries out what is stored before a set-up goes on', async () => {
    const done: string[] = [];
    await work(async ({ id }) => {
      await new Promise(setImmediate);
      done.push(id);
    });
    leave('c1');
    await queue?.done('c1');
    expect([done, left()]).toEqual([['c1'], []]);
  });

  it('the queue refuses a set-up that a teardown which stays would undo, until that is done', async () => {
    leave('c1');
    let isFull = true;
    await work(() => (isFull ? refuse('storage.full')() : Promise.resolve()));
    await expect(queue?.done('c1')).rejects.toMatchObject({ code: 'storage.full' });
    await queue?.done('c2');
    isFull = false;
    await queue?.done('c1');
    expect(left()).toEqual([]);
  });

  it('the queue starts no teardown after its end', async () => {
    for (const id of ['c1', 'c2']) leave(id);
    await work(async () => queue?.stop());
    expect(left()).toEqual(['c2.json']);
  });
});
