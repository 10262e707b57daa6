import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import { launch, netloom } from '../cli/netloom.ts';
import { untilAnswered } from '../support/daemon.ts';
import { codeOf, Lab, refusal } from '../support/lab.ts';
import { killed, Sleepers } from '../support/sleepers.ts';

/** A running container keeps its network, unless a request to take it down has force. */

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
  await lab.client.network.create({ name: 'web' });
});
afterAll(() => lab.close());

const sleepers = new Sleepers();
afterEach(async () => {
  await sleepers.endAll();
  for (const { id } of (await lab.client.container.list()).containers) await lab.remove(id);
});

/** Sets up a container with a live process. */
async function running(id: string, more: object = {}) {
  const { netns } = await lab.client.container.setup({ id, networks: [{ network: 'web' }], ...more });
  const child = await sleepers.start(netns.path);
  await lab.client.container.started({ id, pid: child.pid });
  return child;
}

const stateOf = async (id: string) => (await lab.client.container.inspect({ id })).container.state;
const addresses = async (id: string) => (await lab.client.container.inspect({ id })).container.status;
const cli = (...args: string[]) => netloom(lab.daemon, args);

describe('P11 a container whose process an engine has reported', () => {
  it('P11 a running container is neither removed nor torn down, and the refusal names its process', async () => {
    const { pid } = await running('web');
    const before = await addresses('web');
    for (const refused of [lab.client.container.remove({ id: 'web' }), lab.client.container.teardown({ id: 'web' })]) {
      const { code, message } = await refusal(refused);
      expect(code).toBe('container.running');
      expect(message).toContain(`(process ${pid}): stop it first (kill ${pid}), or force it (--force)`);
    }
    expect(await stateOf('web')).toBe('running');
    expect(await addresses('web')).toEqual(before);
  });

  it('P11 a running container is taken down with force, and its process is left alone', async () => {
    const child = await running('web');
    expect(await lab.client.container.teardown({ id: 'web', force: true })).toMatchObject({ nothingToDo: false });
    await lab.facts.event('container/web torn-down');
    expect(child.exitCode).toBeNull();
    expect(await lab.client.container.remove({ id: 'web' })).toEqual({ id: 'web' });
    await running('other');
    expect(await lab.client.container.remove({ id: 'other', force: true })).toEqual({ id: 'other' });
    await lab.settled();
  });

  it('P11 a running container is kept by the command line without --force', async () => {
    await running('web');
    for (const verb of ['rm', 'teardown'])
      expect(await cli('container', verb, 'web')).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(/^netloom: container\.running: .*--force/),
      });
    expect(await cli('container', 'teardown', '--force', 'web')).toMatchObject({ exitCode: 0, stdout: 'web' });
    await running('other');
    expect(await cli('container', 'rm', '-f', 'other')).toMatchObject({ exitCode: 0, stdout: 'other' });
    await lab.settled();
  });

  it('P11 a running container is kept by the next daemon, after a stop and after a kill', async () => {
    await running('web');
    for (const how of ['stop', 'kill'] as const) {
      await lab.restart(how);
      expect(await codeOf(lab.client.container.remove({ id: 'web' }))).toBe('container.running');
    }
    expect(await stateOf('web')).toBe('running');
  });

  it('P11 a running container does not keep other containers of the same call', async () => {
    await running('web');
    await lab.client.container.setup({ id: 'idle', networks: [{ network: 'web' }] });
    expect(await cli('container', 'rm', 'web', 'idle')).toMatchObject({ exitCode: 1, stdout: 'idle' });
    await lab.settled();
  });
});

describe('P11 a container in whose namespace another one runs', () => {
  it('P11 a shared namespace is neither removed nor torn down until the last process in it has ended, by direct or indirect sharing', async () => {
    const { netns } = await lab.client.container.setup({ id: 'pod', networks: [{ network: 'web' }] });
    await lab.client.container.setup({ id: 'idle', mode: 'container:pod' });
    await running('member', { networks: [], mode: 'container:pod' });
    const further = await running('further', { networks: [], mode: 'container:idle' });
    for (const refused of [lab.client.container.remove({ id: 'pod' }), lab.client.container.teardown({ id: 'pod' })])
      expect(await refusal(refused)).toEqual({
        code: 'container.running',
        message: expect.stringMatching(/^container (member|further) runs in the network namespace of container pod/),
      });
    expect(await cli('container', 'rm', 'pod')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('--force'),
    });
    await lab.restart('kill');
    expect(await codeOf(lab.client.container.remove({ id: 'pod' }))).toBe('container.running');
    // a container that shares the namespace takes nothing along
    expect(await lab.client.container.remove({ id: 'idle' })).toEqual({ id: 'idle' });
    expect(await lab.client.container.remove({ id: 'member', force: true })).toEqual({ id: 'member' });
    expect(await codeOf(lab.client.container.remove({ id: 'pod' }))).toBe('container.running');
    await killed(further);
    await lab.facts.event('container/further exited');
    expect(await lab.client.container.remove({ id: 'pod' })).toEqual({ id: 'pod' });
    await lab.settled();
    expect(native.netnsIdentity(netns.path)).toBeNull();
  });

  it('P11 a shared namespace in use is taken down with force', async () => {
    await lab.client.container.setup({ id: 'pod', networks: [{ network: 'web' }] });
    const child = await running('member', { networks: [], mode: 'container:pod' });
    expect(await lab.client.container.remove({ id: 'pod', force: true })).toEqual({ id: 'pod' });
    // its namespace is gone: that is reported at once, not by the next daemon
    expect((await lab.facts.event('container/member lost')).data).toMatchObject({
      cause: 'missing',
      fault: { code: 'netns.gone' },
    });
    await lab.facts.event('container/member torn-down');
    expect(await lab.client.container.inspect({ id: 'member' })).toMatchObject({
      container: { state: 'created', netns: null, status: {} },
      NetworkSettings: { SandboxKey: '', Networks: {} },
    });
    expect(child.exitCode).toBeNull();
    await lab.settled();
  });
});

describe('P11 removals that need no force', () => {
  it('P11 containers that are created, configured or exited are removed without force', async () => {
    await lab.client.container.create({ id: 'created', networks: [{ network: 'web' }] });
    await lab.client.container.setup({ id: 'configured', networks: [{ network: 'web' }] });
    await killed(await running('exited'));
    await lab.facts.event('container/exited exited');
    for (const id of ['created', 'configured', 'exited'])
      expect(await lab.client.container.remove({ id })).toEqual({ id });
    await lab.settled();
  });

  it('P11 a container with removeOnExit is removed without force at the end of its process', async () => {
    await killed(await running('brief', { removeOnExit: true }));
    await lab.facts.event('container/brief removed');
  });

  it('P11 a teardown by an engine needs no force: its container ends', async () => {
    const netns = `${lab.directory.path}/engine`;
    native.createNetns(netns).socket.close();
    const child = await running('engine', { mode: `ns:${netns}` });
    expect(await lab.client.container.detach({ id: 'engine', networks: ['web'], netns })).toEqual({ id: 'engine' });
    await lab.facts.event('container/engine removed');
    expect(child.exitCode).toBeNull();
    native.removeNetns(netns);
  });

  it('P11 netloom run removes its container at the end of its command, and until then a removal is refused', async () => {
    const args = ['run', '--network', 'web', '--name', 'job', '--', 'sh', '-c', 'echo ready; read line; exit 4'];
    const job = launch(lab.daemon, args);
    await once(createInterface({ input: job.stdout as Readable }), 'line');
    await lab.facts.event('container/job running');
    expect(await codeOf(lab.client.container.remove({ id: 'job' }))).toBe('container.running');
    expect(await cli('container', 'rm', 'job')).toMatchObject({ exitCode: 1 });
    job.stdin?.end('now\n');
    expect((await job).exitCode).toBe(4);
    await lab.facts.event('container/job removed');
  });
});

describe('P11 a network that is in use', () => {
  it('P11 a network in use is removed with force only; its running containers stay', async () => {
    await lab.client.network.create({ name: 'used' });
    const child = await running('web', { networks: [{ network: 'web' }, { network: 'used' }] });
    const { code, message } = await refusal(lab.client.network.remove({ name: 'used' }));
    expect(code).toBe('network.in-use');
    expect(message).toMatch(/web.*--force/);
    expect(await cli('network', 'rm', 'used')).toMatchObject({ exitCode: 2 });
    expect(await cli('network', 'rm', '-f', 'used')).toMatchObject({ exitCode: 0, stdout: 'used' });
    expect(await stateOf('web')).toBe('running');
    expect(Object.keys(await addresses('web'))).toEqual(['web']);
    expect(child.exitCode).toBeNull();
  });

  it('P11 a network in use by a configured container is removed with force', async () => {
    await lab.client.network.create({ name: 'used' });
    await lab.client.container.setup({ id: 'idle', networks: [{ network: 'used' }] });
    expect(await codeOf(lab.client.network.remove({ name: 'used' }))).toBe('network.in-use');
    await lab.client.network.remove({ name: 'used', force: true });
    await untilAnswered(async () => expect(Object.keys(await addresses('idle'))).toEqual([]));
  });
});
