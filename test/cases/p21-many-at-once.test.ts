import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { untilAnswered } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';

let lab: Lab;
const ids = Array.from({ length: 20 }, (_, index) => `many${index + 1}`);

beforeAll(async () => {
  lab = await Lab.open();
  process.env.NETLOOM_RUN_DIR = lab.daemon.runDirectory;
  await lab.client.network.create({ name: 'front' });
  await lab.client.network.create({ name: 'back' });
});
afterEach(async () => {
  const { containers } = await lab.client.container.list();
  for (const { id } of containers) await lab.remove(id);
});
afterAll(() => lab.close());

/** Runs the command line in this process, as at a terminal, and counts the connections that it opened. */
const run = (...args: string[]) => runAnd(() => undefined, ...args);

/** The same; `printed` is called with each line of stdout, before the command continues. */
async function runAnd(printed: (text: string) => unknown, ...args: string[]) {
  const output = { out: [] as string[], err: [] as string[], progress: [] as (string | null)[], connections: 0 };
  const count = () => void output.connections++;
  subscribe('net.client.socket', count);
  const exitCode = await runCli(args, {
    print: (text) => {
      output.out.push(text);
      printed(text);
    },
    warn: (text) => void output.err.push(text),
    progress: (text) => void output.progress.push(text),
    colored: false,
  });
  unsubscribe('net.client.socket', count);
  return { ...output, exitCode };
}

describe('P21 many containers at once', () => {
  it('P21 many containers are created, set up, joined, shown, taken down and removed by one call each, over one connection', async () => {
    const calls = [
      ['container', 'create', ...ids, '--network', 'front'],
      ['container', 'setup', ...ids],
      ['network', 'connect', 'back', ...ids],
      ['inspect', ...ids, '-f', '{{.ID}} {{.State}} {{len .Attachments}}'],
      ['network', 'disconnect', 'back', ...ids],
      ['container', 'teardown', ...ids],
      ['container', 'rm', ...ids],
    ];
    for (const call of calls) {
      const { exitCode, connections, err, progress, out } = await run(...call);
      expect({ call: call.slice(0, 2), exitCode, connections, err }).toEqual({
        call: call.slice(0, 2),
        exitCode: 0,
        connections: 1,
        err: [],
      });
      expect(progress.filter(Boolean)).toEqual(ids.map((id, index) => `${index + 1} of ${ids.length}: ${id}`));
      expect(progress.at(-1)).toBeNull();
      if (call[0] === 'inspect') expect(out.join('\n').split('\n')).toEqual(ids.map((id) => `${id} configured 2`));
    }
    expect((await lab.client.container.list()).containers).toEqual([]);
  });

  it('P21 a refused container does not keep the others, and decides the exit code', async () => {
    await run('container', 'create', 'a', 'b', '--network', 'front');
    expect(await run('container', 'setup', 'a', 'nobody', 'b')).toMatchObject({
      exitCode: 3,
      err: ['netloom: container.unknown: no container nobody'],
    });
    const { containers } = await lab.client.container.list();
    expect(containers.map(({ id, state }) => `${id} ${state}`).sort()).toEqual(['a configured', 'b configured']);
    expect(await run('network', 'connect', 'back', 'a', 'nobody', 'b')).toMatchObject({ exitCode: 125 });
    expect((await lab.client.network.inspect({ name: 'back' })).network.leases).toMatchObject({ a: {}, b: {} });
    expect(await run('network', 'disconnect', '--force', 'back', 'a', 'nobody', 'b')).toMatchObject({
      exitCode: 0,
      err: [],
    });
  });

  it('P21 a single container is answered as before, without progress', async () => {
    const { out, progress, exitCode } = await run('container', 'setup', 'alone', '--network', 'front', '--json');
    expect({ exitCode, progress }).toEqual({ exitCode: 0, progress: [] });
    expect(JSON.parse(out.join('\n'))).toMatchObject({ id: 'alone', status: { front: {} } });
    const { out: many } = await run('container', 'setup', 'one', 'other', '--network', 'front', '--json');
    expect(JSON.parse(many.join('\n'))).toMatchObject([{ id: 'one' }, { id: 'other' }]);
  });

  it.each([
    // the connection stays, and no reply comes
    ['SIGSTOP', ['c', 'd']],
    ['SIGKILL', ['b', 'c', 'd']],
  ] as const)('P21 a call stops at the first container without a reply: the daemon gets %s', async (signal, left) => {
    await run('container', 'create', 'a', 'b', 'c', 'd', '--network', 'front');
    const { pid } = await lab.client.info();
    // both send their signal before they return
    const signalled = () => (signal === 'SIGSTOP' ? process.kill(pid, signal) : lab.daemon.kill());
    const output = await runAnd(signalled, 'container', 'rm', 'a', 'b', 'c', 'd', '--timeout', '1500');
    if (signal === 'SIGSTOP') process.kill(pid, 'SIGCONT');
    else await lab.restart('kill');
    expect(output).toMatchObject({ exitCode: 4, out: ['a'] });
    expect(output.err).toEqual([expect.stringMatching(/^netloom: [a-z.]+: container\.remove: .+; 2 more not tried$/)]);
    await untilAnswered(async () => {
      const { containers } = await lab.client.container.list();
      expect(containers.map(({ id }) => id).sort()).toEqual(left);
    });
  });
});
