import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launch, netloom } from '../cli/netloom.ts';
import { inventory, untilAnswered } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';
import { killed, Sleepers } from '../support/sleepers.ts';

/** The owner of a container, the end of its process, and its fate when its engine dies before the process starts. */

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
  await lab.client.network.create({ name: 'web' });
});
afterAll(() => lab.close());

const sleepers = new Sleepers();
const sleeper = (netns?: string) => sleepers.start(netns);
afterEach(async () => {
  await sleepers.endAll();
  for (const { id } of (await lab.client.container.list()).containers) await lab.remove(id);
  expect(inventory(lab.daemon).namespaces).toEqual([]);
});

const networks = [{ network: 'web' }];
const setUp = (id: string, more: object = {}) => lab.client.container.setup({ id, networks, ...more });
const view = async (id: string) => (await lab.client.container.inspect({ id })).container;
const known = async () => (await lab.client.container.list()).containers.map(({ id }) => id).sort();
const cli = (...args: string[]) => netloom(lab.daemon, args);
const gone = ['abandoned', 'tearing-down', 'torn-down', 'removed'];

describe('P18 labels and owner', () => {
  it('P18 labels and owner are in the list, in the view and in the event, also after a restart', async () => {
    const labels = { app: 'shop', 'io.podman.annotations': '', 'a/b': 'x=y' };
    await setUp('web', { labels, owner: 'engine 1' });
    await lab.client.container.create({ id: 'bare' });
    expect((await lab.facts.event('container/web created')).data).toMatchObject({ labels, owner: 'engine 1' });
    expect((await lab.facts.event('container/bare created')).data).toMatchObject({ labels: {}, owner: null });
    await lab.restart('kill');
    expect(await view('web')).toMatchObject({ labels, owner: 'engine 1' });
    expect((await lab.client.container.list()).containers).toMatchObject([
      { id: 'bare', labels: {}, owner: null },
      { id: 'web', labels, owner: 'engine 1' },
    ]);
  });

  it('P18 labels and owner come from the command line with create, setup and run', async () => {
    expect(await cli('container', 'create', 'one', '--label', 'a=1', '-l', 'b')).toMatchObject({ exitCode: 0 });
    expect(await view('one')).toMatchObject({ labels: { a: '1', b: '' }, owner: 'cli' });
    // the stored wish counts
    expect(await cli('container', 'setup', 'one')).toMatchObject({ exitCode: 0 });
    expect(await view('one')).toMatchObject({ state: 'configured', labels: { a: '1', b: '' }, owner: 'cli' });
    const wish = JSON.stringify({ id: 'two', owner: 'script', labels: { a: '1' } });
    expect(await netloom(lab.daemon, ['container', 'setup', '--file', '-'], wish)).toMatchObject({ exitCode: 0 });
    expect(await view('two')).toMatchObject({ labels: { a: '1' }, owner: 'script' });
    const job = launch(lab.daemon, [
      'run',
      ...['--network', 'none', '--name', 'job', '--label', 'a=2'],
      ...['--', 'sh', '-c', 'echo up; read x'],
    ]);
    await once(createInterface({ input: job.stdout as Readable }), 'line');
    expect(await view('job')).toMatchObject({ labels: { a: '2' }, owner: 'cli' });
    job.stdin?.end('now\n');
    expect((await job).exitCode).toBe(0);
  });
});

describe('P18 a container that is not started in time', () => {
  it('P18 an overdue container is torn down and removed with a reason, and releases everything it had', async () => {
    const { netns } = await setUp('late', {
      startWithinMs: 300,
      owner: 'engine',
      networks: [{ network: 'web', staticIps: ['10.89.0.9'] }],
    });
    expect(netns.path).toContain('netloom-late');
    expect((await lab.facts.event('container/late abandoned')).data).toEqual({
      state: 'unconfiguring',
      cause: 'deadline',
      reason: 'its process did not start within 0.3 s',
      startWithinMs: 300,
      owner: 'engine',
    });
    await lab.facts.event('container/late removed');
    expect(lab.facts.of('container', 'late').slice(-4)).toEqual(gone);
    await lab.settled();
    expect(await known()).toEqual([]);
    await setUp('heir', { networks: [{ network: 'web', staticIps: ['10.89.0.9'] }] });
  });

  it('P18 a container stays after its start, and after its process has ended', async () => {
    await setUp('live', { startWithinMs: 400 });
    expect((await view('live')).startBy).toMatch(/^\d{4}-.*Z$/);
    await lab.client.container.started({ id: 'live', pid: (await sleeper()).pid });
    expect((await view('live')).startBy).toBeNull();
    await setUp('ended', { startWithinMs: 400 });
    const child = await sleeper();
    await lab.client.container.started({ id: 'ended', pid: child.pid });
    await killed(child);
    await lab.facts.event('container/ended exited');
    await setUp('later', { startWithinMs: 400 });
    await lab.facts.event('container/later removed');
    expect(await known()).toEqual(['ended', 'live']);
  });

  it('P18 an overdue container is removed by the next daemon, whether its deadline passes before or after the restart', async () => {
    await setUp('before', { startWithinMs: 1_500 });
    await setUp('after', { startWithinMs: 4_000 });
    const startBy = Date.parse((await view('before')).startBy ?? '');
    await lab.restart('kill', () =>
      untilAnswered(async () => {
        if (Date.now() <= startBy) throw new Error('not yet');
      }),
    );
    for (const id of ['before', 'after']) {
      await lab.facts.event(`container/${id} removed`);
      expect(lab.facts.of('container', id).slice(-4)).toEqual(gone);
    }
    expect(await known()).toEqual([]);
  });

  it('P18 an overdue container is removed though the worker that waited has ended', async () => {
    await setUp('kept', { startWithinMs: 2_000 });
    const { workers } = await lab.client.info();
    for (let index = 0; index < workers; index++) await lab.client.worker.restart({ index });
    await lab.facts.event('container/kept removed');
  });

  it('P18 an overdue container is not removed by the next daemon before its engine can repeat the start', async () => {
    await setUp('held', { startWithinMs: 1_000 });
    const { pid } = await sleeper();
    const startBy = Date.parse((await view('held')).startBy ?? '');
    await lab.restart('kill', () =>
      untilAnswered(async () => {
        if (Date.now() <= startBy) throw new Error('not yet');
      }),
    );
    expect(await lab.client.container.started({ id: 'held', pid })).toEqual({ id: 'held' });
    expect(await view('held')).toMatchObject({ state: 'running', startBy: null });
  });

  it('P18 an overdue container stays while an unreported process lives in its namespace', async () => {
    const { netns } = await setUp('inhabited', { startWithinMs: 1_000, owner: 'engine' });
    await sleeper(netns.path);
    expect((await lab.facts.event('container/inhabited overdue')).data).toEqual({
      state: 'configured',
      cause: 'process',
      reason: 'a process lives in its namespace',
      startWithinMs: 1_000,
      owner: 'engine',
    });
    expect(await view('inhabited')).toMatchObject({ state: 'configured', startBy: expect.any(String) });
    expect(lab.facts.of('container', 'inhabited')).not.toContain('abandoned');
  });

  it('P18 a container has a new deadline after each set-up, and none while it is down', async () => {
    await setUp('twice', { startWithinMs: 60_000 });
    const first = (await view('twice')).startBy;
    await lab.tearDown('twice');
    expect(await view('twice')).toMatchObject({ state: 'created', startBy: null });
    await lab.client.container.setup({ id: 'twice' });
    expect((await view('twice')).startBy).not.toBe(first);
    await lab.tearDown('twice');
    await lab.client.container.setup({ id: 'twice', startWithinMs: 200 });
    await lab.facts.event('container/twice removed');
  });

  it('P18 the removal of an overdue container waits for a change under way, in every mode, and for a shared namespace', async () => {
    await lab.client.network.create({ name: 'back' });
    await setUp('changing', { startWithinMs: 500 });
    await lab.client.container.connect({ id: 'changing', network: 'back' });
    await setUp('alone', { networks: [], mode: 'none', startWithinMs: 300 });
    await setUp('host', { networks: [], mode: 'host', startWithinMs: 300 });
    await setUp('owner');
    await setUp('sharer', { networks: [], mode: 'container:owner', startWithinMs: 300 });
    for (const id of ['changing', 'alone', 'host', 'sharer']) await lab.facts.event(`container/${id} removed`);
    expect(await known()).toEqual(['owner']);
    await lab.settled();
    await lab.client.network.remove({ name: 'back' });
  });

  it('P18 a start deadline can be set on the command line with create and with setup', async () => {
    expect(await cli('container', 'create', 'c1', '--network', 'web', '--start-within', '1m')).toMatchObject({
      exitCode: 0,
    });
    expect(await view('c1')).toMatchObject({ state: 'created', startBy: null });
    expect(await cli('container', 'setup', 'c1')).toMatchObject({ exitCode: 0 });
    expect((await view('c1')).startBy).not.toBeNull();
    expect(await cli('container', 'setup', 'c2', '--network', 'web', '--start-within', '300ms')).toMatchObject({
      exitCode: 0,
    });
    await lab.facts.event('container/c2 removed');
    expect(await cli('container', 'setup', 'c3', '--start-within', 'soon')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--start-within soon'),
    });
  });
});

describe('P18 netloom gc --unstarted', () => {
  const gc = (request: object = {}) => lab.client.request('node.gc', { unstarted: true, ...request });

  it('P18 gc --unstarted removes containers that were never started and have no process in the namespace', async () => {
    await setUp('left', { name: 'left-over', owner: 'engine' });
    await lab.client.container.create({ id: 'created', networks });
    const inside = await sleeper((await setUp('inhabited')).netns.path);
    await setUp('running');
    await lab.client.container.started({ id: 'running', pid: (await sleeper()).pid });
    await setUp('exited');
    const ended = await sleeper();
    await lab.client.container.started({ id: 'exited', pid: ended.pid });
    await killed(ended);
    await lab.facts.event('container/exited exited');
    await setUp('host', { networks: [], mode: 'host' });
    const all = await known();

    const unstarted = [{ id: 'left', name: 'left-over', owner: 'engine' }];
    expect(await gc({ dryRun: true })).toMatchObject({ dryRun: true, unstarted, failed: [] });
    expect((await lab.client.request('node.gc', {})).unstarted).toEqual([]);
    expect(await known()).toEqual(all);

    const once = { msgId: 'gc-once' };
    const removed = await lab.client.request('node.gc', { unstarted: true }, once);
    expect(removed).toMatchObject({ dryRun: false, unstarted, failed: [] });
    expect((await lab.facts.event('container/left abandoned')).data).toMatchObject({
      cause: 'collected',
      owner: 'engine',
    });
    await lab.facts.event('container/left removed');
    expect(await known()).toEqual(all.filter((id) => id !== 'left'));
    expect(await lab.client.request('node.gc', { unstarted: true }, once)).toEqual(removed);

    await killed(inside);
    expect((await gc()).unstarted).toMatchObject([{ id: 'inhabited' }]);
    await lab.settled();
  });

  it('P18 gc --unstarted shows those containers on the command line', async () => {
    await setUp('left', { owner: 'engine' });
    const dry = await cli('gc', '--unstarted', '--dry-run');
    expect(dry.stdout).toMatch(/^container +left +engine +never started: would be removed$/m);
    expect((await cli('gc', '--dry-run')).stdout).toBe('Nothing is left over.');
    expect((await cli('gc', '--unstarted')).stdout).toMatch(/^container +left +engine +never started: removed$/m);
    expect((await cli('gc', '--unstarted')).stdout).toBe('Nothing is left over.');
    await lab.settled();
  });
});

describe('P18 the exit code of a process', () => {
  it('P18 an exit code that an engine reports after the end is in the event and in the view', async () => {
    await setUp('reported');
    const child = await sleeper();
    await lab.client.container.started({ id: 'reported', pid: child.pid, reportsExit: true });
    await killed(child);
    expect(await lab.client.container.exited({ id: 'reported', pid: child.pid, exitCode: 137 })).toEqual({
      id: 'reported',
    });
    expect((await lab.facts.event('container/reported exited')).data).toEqual({
      state: 'exited',
      pid: child.pid,
      exitCode: 137,
    });
    expect(await view('reported')).toMatchObject({ state: 'exited', exitCode: 137 });
    expect((await cli('inspect', 'reported')).stdout).toMatch(/^Exit code +137$/m);
    await lab.restart('kill');
    expect(await view('reported')).toMatchObject({ state: 'exited', exitCode: 137 });
    await lab.client.container.started({ id: 'reported', pid: (await sleeper()).pid });
    expect(await view('reported')).toMatchObject({ state: 'running', exitCode: null });
  });

  it('P18 a teardown does not wait for an exit code, and a late report is accepted', async () => {
    await setUp('hasty');
    const child = await sleeper();
    await lab.client.container.started({ id: 'hasty', pid: child.pid, reportsExit: true });
    await killed(child);
    await untilAnswered(() => lab.client.container.teardown({ id: 'hasty' }));
    await lab.facts.event('container/hasty torn-down');
    expect((await lab.facts.event('container/hasty exited')).data).toEqual({ state: 'unconfiguring', pid: child.pid });
    expect(await lab.client.container.exited({ id: 'hasty', pid: child.pid, exitCode: 137 })).toEqual({ id: 'hasty' });
  });

  it('P18 an exit code can be reported by the command line', async () => {
    await setUp('shell');
    const child = await sleeper();
    const { pid } = child;
    expect(await cli('container', 'started', '--reports-exit', 'shell', `${pid}`)).toMatchObject({ exitCode: 0 });
    await killed(child);
    expect(await cli('container', 'exited', 'shell', `${pid}`, '137')).toMatchObject({ exitCode: 0, stdout: 'shell' });
    expect((await lab.facts.event('container/shell exited')).data).toEqual({ state: 'exited', pid, exitCode: 137 });
    expect(await cli('container', 'exited', 'nowhere', '7', '0')).toMatchObject({
      exitCode: expect.any(Number),
      stderr: expect.stringMatching(/^netloom: container\.unknown: /),
    });
  });

  it('P18 the wait for an exit code is limited, for the next daemon and where the engine dies', async () => {
    const endOf = async (id: string) => {
      await setUp(id);
      const child = await sleeper();
      await lab.client.container.started({ id, pid: child.pid, reportsExit: true });
      await killed(child);
      return { state: 'exited', pid: child.pid };
    };
    const restarted = await endOf('restarted');
    await lab.restart('kill');
    expect((await lab.facts.event('container/restarted exited')).data).toEqual(restarted);
    const silent = await endOf('silent');
    expect((await lab.facts.event('container/silent exited')).data).toEqual(silent);
    expect(await view('silent')).toMatchObject({ state: 'exited', exitCode: null });
  });

  it('P18 netloom run that is killed before it reports its process leaves a deadline behind', async () => {
    for (let n = 0; n < 5; n++) {
      const id = `run-${n}`;
      const job = launch(lab.daemon, ['run', '--network', 'web', '--id', id, '--', 'sleep', '60']);
      await lab.facts.event(`container/${id} configured`);
      job.kill('SIGKILL');
      await job;
      const { containers } = await lab.client.container.list();
      const left = containers.find((one) => one.id === id);
      if (left?.state === 'configured') expect(left.startBy).not.toBeNull();
      expect(left?.state).not.toBe('created');
    }
  });

  it('P18 netloom run starts its process although the daemon is killed while it waits for the network', async () => {
    const job = launch(lab.daemon, ['run', '--network', 'web', '--id', 'patient', '--', 'sh', '-c', 'exit 3']);
    await lab.facts.event('container/patient created');
    await lab.restart('kill');
    expect(await job).toMatchObject({ exitCode: 3, stderr: '' });
  });

  it.each([
    [0, ['true']],
    [7, ['sh', '-c', 'exit 7']],
    [137, ['sh', '-c', 'kill -KILL $$']],
  ])('P18 the exit code is %d when netloom run ends with it', async (exitCode, command) => {
    const id = `job-${exitCode}`;
    expect(await cli('run', '--network', 'web', '--id', id, '--', ...command)).toMatchObject({ exitCode });
    expect((await lab.facts.event(`container/${id} exited`)).data).toEqual({
      state: 'unconfiguring',
      pid: expect.any(Number),
      exitCode,
    });
    await lab.facts.event(`container/${id} removed`);
    expect(lab.facts.of('container', id)).toEqual([
      ...['created', 'netns-ready', 'configured', 'running'],
      ...['exited', 'tearing-down', 'torn-down', 'removed'],
    ]);
  });
});
