import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HeldCommand } from '../../src/cli/spawn-within.ts';
import { launch, netloom } from '../cli/netloom.ts';
import { untilAnswered } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.clear());
afterAll(() => lab.close());

const run = (...args: string[]) => netloom(lab.daemon, ['run', ...args]);
const onWeb = () => lab.client.network.create({ name: 'web', subnets: [{ subnet: '10.89.0.0/24' }] });
const life = ['created', 'netns-ready', 'configured', 'running', 'exited', 'tearing-down', 'torn-down', 'removed'];

describe('P07 the events of a command', () => {
  it('P07 events show the whole life of a command, however short: twelve one after another', async () => {
    await onWeb();
    for (let n = 0; n < 12; n++) {
      expect(await run('--network', 'web', '--id', `c${n}`, '--', 'true')).toMatchObject({ exitCode: 0, stderr: '' });
      await lab.facts.event(`container/c${n} removed`);
      expect(lab.facts.of('container', `c${n}`)).toEqual(life);
    }
  });

  it('P07 events show the whole life of eight simultaneous commands, on no network and on the default one', async () => {
    const ids = Array.from({ length: 8 }, (_, n) => `at-once-${n}`);
    const ended = await Promise.all(
      ids.map((id, n) => run('--network', n % 2 ? 'none' : 'bridge', '--id', id, '--', 'true')),
    );
    expect(ended.map(({ exitCode }) => exitCode)).toEqual(ids.map(() => 0));
    for (const id of ids) {
      await lab.facts.event(`container/${id} removed`);
      expect(lab.facts.of('container', id)).toEqual(life);
    }
  });

  it.each([
    ['with-7', 7, ['sh', '-c', 'exit 7']],
    ['by-a-signal', 137, ['sh', '-c', 'kill -KILL $$']],
    ['at-once', 127, ['no-such-command']],
  ])('P07 events show the whole life of a command that ends %s', async (id, exitCode, command) => {
    expect(await run('--network', 'none', '--id', id, '--', ...command)).toMatchObject({ exitCode });
    await lab.facts.event(`container/${id} removed`);
    expect(lab.facts.of('container', id)).toEqual(life);
  });

  it("P07 a command is in the daemon's view before its first line is written", async () => {
    const running = launch(lab.daemon, [
      'run',
      '--network',
      'none',
      '--id',
      'first',
      '--',
      'sh',
      '-c',
      'echo $$; read x',
    ]);
    const [line] = await once(createInterface({ input: running.stdout as Readable }), 'line');
    const { container } = await lab.client.container.inspect({ id: 'first' });
    expect(container).toMatchObject({ state: 'running', pid: Number(line) });
    running.stdin?.end('now\n');
    await running;
  });
});

describe('P07 a detached command', () => {
  it('P07 a detached command prints its ID, lives on, and its end is noticed', async () => {
    await onWeb();
    const result = await run('-d', '--rm', '--network', 'web', '--id', 'far', '--', 'sleep', '60');
    expect(result).toMatchObject({ stdout: 'far', stderr: '', exitCode: 0 });
    const { container } = await lab.client.container.inspect({ id: 'far' });
    expect(container).toMatchObject({ state: 'running', pid: expect.any(Number) });
    process.kill(container.pid as number, 'SIGTERM');
    await lab.facts.event('container/far removed');
    expect(lab.facts.of('container', 'far')).toEqual(life);
  });

  it('P07 a detached command that ended without a daemon is taken down by the next one', async () => {
    await onWeb();
    await run('-d', '--network', 'web', '--id', 'late', '--', 'sleep', '60');
    const { container } = await lab.client.container.inspect({ id: 'late' });
    await lab.restart('kill', () => process.kill(container.pid as number, 'SIGKILL'));
    await untilAnswered(async () => expect((await lab.client.container.list()).containers).toEqual([]));
  });

  it('P07 a detached command that does not exist leaves nothing behind', async () => {
    expect(await run('-d', '--network', 'none', '--id', 'none', '--', 'no-such-command')).toMatchObject({
      exitCode: 127,
      stdout: '',
      stderr: expect.stringContaining(
        'no-such-command: command not found; netloom run takes a command of this host, not an image',
      ),
    });
    await untilAnswered(async () => expect((await lab.client.container.list()).containers).toEqual([]));
  });
});

describe('P07 a held command', () => {
  const here = { netnsPath: '/proc/self/ns/net', files: null };

  it('P07 a held command begins on request, in the process that held it', async () => {
    const held = new HeldCommand({ ...here, detached: true }, [
      'sh',
      '-c',
      `echo $$ >${lab.directory.path}/pid; exit 3`,
    ]);
    await held.ready();
    await held.begin();
    expect(await held.exited).toBe(3);
    expect(readFileSync(`${lab.directory.path}/pid`, 'utf8').trim()).toBe(`${held.pid}`);
  });

  it('P07 a held command never begins when its parent or a signal ends it first', async () => {
    const left = new HeldCommand(here, ['false']);
    await left.ready();
    left.leave();
    expect(await left.exited).toBe(125);
    const ended = new HeldCommand(here, ['false']);
    await ended.ready();
    ended.process.kill('SIGTERM');
    expect(await ended.exited).toBe(143);
    await ended.begin();
  });

  it('P07 a held command reports a namespace that it cannot enter', async () => {
    const lost = new HeldCommand({ ...here, netnsPath: '/nonexistent' }, ['true']);
    await expect(lost.ready()).rejects.toMatchObject({
      exitCode: 125,
      complaint: { message: 'cannot enter the network namespace: /nonexistent: no such file or directory' },
    });
  });
});
