import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { StateLock } from '../../src/kernel/state-lock.ts';
import { TestDaemon, untilAnswered } from '../support/daemon.ts';

import { Facts } from '../support/facts.ts';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';

let directory: { path: string; remove(): void };
beforeAll(async () => {
  await becomeFreshHost();
  directory = temporaryDirectory();
});
afterAll(() => directory.remove());
const at = (part: string) => `${directory.path}/${part}`;

/** Locks it until the test ends. */
function locked(path: string): StateLock {
  const lock = new StateLock(path);
  onTestFinished(() => lock.release());
  return lock;
}
const inUse = expect.objectContaining({
  code: 'node.running',
  message: expect.stringMatching(/uses the state directory \S+: each daemon needs its own \(--state-dir\)$/),
});

describe('the lock of a state directory', () => {
  it('B11 a state directory in use is refused until it is released, and nothing is written to it', () => {
    mkdirSync(at('a'));
    const lock = locked(at('a'));
    expect(() => locked(at('a'))).toThrow(inUse);
    expect(readdirSync(at('a'))).toEqual([]);
    lock.release();
    locked(at('a'));
  });

  it('B11 a state directory that was removed and made again is locked again by its daemon', () => {
    mkdirSync(at('b'));
    const lock = locked(at('b'));
    rmSync(at('b'), { recursive: true });
    mkdirSync(at('b'));
    lock.renew();
    lock.renew();
    expect(() => locked(at('b'))).toThrow(inUse);
  });

  it('B11 a state directory that another daemon has taken meanwhile is left to it', () => {
    mkdirSync(at('c'));
    const lock = locked(at('c'));
    renameSync(at('c'), at('moved'));
    mkdirSync(at('c'));
    const other = locked(at('c'));
    expect(() => lock.renew()).toThrow(inUse);
    other.release();
    lock.renew();
    expect(() => locked(at('c'))).toThrow(inUse);
  });

  it('B11 a state directory on a full disk is locked', () => {
    mkdirSync(at('full'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,nr_inodes=2', 'none', at('full')]);
    onTestFinished(() => void execFileSync('umount', [at('full')]));
    writeFileSync(at('full/ballast'), Buffer.alloc(64 * 1024));
    expect(() => writeFileSync(at('full/other'), '')).toThrow(/ENOSPC/);
    locked(at('full'));
    expect(() => locked(at('full'))).toThrow(inUse);
  });
});

describe('two daemons', () => {
  const made: string[] = [];

  /** Creates a network, and finds the events of it and of all that were created before in the stream. */
  async function create(daemon: TestDaemon, name: string): Promise<void> {
    const client = await daemon.client();
    const facts = new Facts(client);
    await untilAnswered(() => client.network.create({ name }));
    made.push(name);
    for (const each of made) await facts.event(`network/${each} created`);
    await facts.close();
    await client.close();
  }

  it('B11 a second daemon on a state directory is refused, and the event stream of the first one stays', async () => {
    const flags = ['--state-dir', at('state'), '--nats-port', '0'];
    const first = new TestDaemon(at('first'), 'here', flags);
    const second = new TestDaemon(at('second'), 'here', flags);
    onTestFinished(() => Promise.all([first.destroy(), second.destroy()]).then(() => undefined));
    first.launch();
    await create(first, 'before');
    await expect(second.start()).rejects.toThrow(
      `netloom: node.running: another daemon uses the state directory ${at('state')}: `,
    );
    expect(existsSync(`${second.runDirectory}/daemon.pid`)).toBe(false);
    await create(first, 'beside');

    // its nats-server outlives it
    await first.kill();
    first.launch();
    await create(first, 'after');
  }, 60_000);
});
