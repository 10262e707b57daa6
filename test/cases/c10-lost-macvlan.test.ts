import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import type { ContainerRequest } from '../../src/core/container/request.ts';
import { untilAnswered } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

// A namespace ends without a teardown. The host's end of a veth reports the loss on a bridge; a macvlan has no such end.
let lab: Lab;

const drivers = {
  macvlan: { driver: 'macvlan', network_interface: 'lan0' },
  bridge: { driver: 'bridge' },
} as const;
const kinds = Object.keys(drivers) as (keyof typeof drivers)[];

beforeAll(async () => {
  lab = await Lab.open();
  ipBatch(null, ['link add lan0 type veth peer name lan1', 'link set lan0 up', 'link set lan1 up']);
});
afterAll(async () => {
  execFileSync('ip', ['link', 'delete', 'lan0']);
  await lab.close();
});

const fileOf = (name: string) => `${lab.daemon.directory}/state/networks/${name}.json`;

/** Makes a network with one container as its member. */
async function member(
  name: string,
  kind: keyof typeof drivers,
  request: Partial<ContainerRequest> = {},
): Promise<{ netns: string; definition: string }> {
  await lab.client.network.create({ name, ...drivers[kind], subnets: [{ subnet: '10.10.0.0/24' }] });
  const { netns } = await lab.client.container.setup({ id: name, networks: [{ network: name }], ...request });
  return { netns: netns.path, definition: readFileSync(fileOf(name), 'utf8') };
}

/** The address is free again, and so is the network. */
async function isForgotten(name: string): Promise<void> {
  await lab.facts.event(`container/${name} lost`);
  await lab.facts.event(`container/${name} torn-down`);
  await lab.settled();
  await lab.client.network.remove({ name });
  await lab.client.container.remove({ id: name });
  expect(existsSync(fileOf(name))).toBe(false);
}

/** Starts a process in a namespace of its own. */
async function liveAlone(): Promise<ChildProcess> {
  const process = spawn('unshare', ['--net', 'sleep', '300'], { stdio: 'ignore' });
  await once(process, 'spawn');
  const own = native.currentNetnsIdentity().inode;
  await untilAnswered(async () => {
    expect(native.netnsIdentity(`/proc/${process.pid}/ns/net`)?.inode ?? own).not.toBe(own);
  });
  return process;
}

async function end(process: ChildProcess): Promise<void> {
  const ended = once(process, 'exit');
  process.kill('SIGKILL');
  await ended;
}

const names = (prefix: string, kind: string) => `${prefix}-${kind}`;

describe.each(kinds)('the namespace of a container on a %s that ends without a teardown', (kind) => {
  it('C10 the loss of a namespace made by netloom is noticed, and its network can be removed', async () => {
    const name = names('made', kind);
    const { netns } = await member(name, kind);
    native.removeNetns(netns);
    await isForgotten(name);
  });

  it('C10 the loss of a namespace made by an engine is noticed', async () => {
    const name = names('given', kind);
    const path = `${lab.directory.path}/${name}`;
    native.createNetns(path).socket.close();
    await member(name, kind, { mode: `ns:${path}` });
    native.removeNetns(path);
    await isForgotten(name);
  });

  it('C10 the loss of a namespace is noticed after a restart of the daemon, and if it happened during the restart', async () => {
    const [name, other] = [names('kept', kind), names('meanwhile', kind)];
    const { netns } = await member(name, kind);
    const { netns: ended } = await lab.client.container.setup({ id: other, networks: [{ network: name }] });
    await lab.restart('kill', () => native.removeNetns(ended.path));
    await lab.facts.event(`container/${other} lost`);
    await lab.facts.event(`container/${name} adopted`);
    native.removeNetns(netns);
    await isForgotten(name);
    await lab.client.container.remove({ id: other });
  });

  it('C10 the loss of a namespace whose pin went earlier is noticed when its last process ends', async () => {
    const name = names('process', kind);
    const process = await liveAlone();
    const { netns } = await member(name, kind, { pid: process.pid as number });
    native.removeNetns(netns);
    expect(lab.facts.of('container', name)).not.toContain('lost');
    await end(process);
    await isForgotten(name);
  });

  it('C10 the loss of a namespace removes the network, too, if its file has gone', async () => {
    const name = names('both', kind);
    const { netns } = await member(name, kind);
    rmSync(fileOf(name));
    native.removeNetns(netns);
    await lab.facts.event(`network/${name} removed`);
    expect(existsSync(fileOf(name))).toBe(false);
    expect(lab.facts.of('network', name)).not.toContain('drift-healed');
    await lab.client.container.remove({ id: name });
  });
});

describe.each(kinds)('the file of a %s network that vanishes', (kind) => {
  it('C10 a network file is restored while a live container is a member', async () => {
    const name = names('lives', kind);
    const { definition } = await member(name, kind);
    rmSync(fileOf(name));
    await lab.facts.event(`network/${name} drift-healed`);
    expect(readFileSync(fileOf(name), 'utf8')).toBe(definition);
    await lab.remove(name);
    await lab.client.network.remove({ name });
  });

  it('C10 a network file is not restored if the only member ended first', async () => {
    const name = names('first', kind);
    const { netns } = await member(name, kind);
    native.removeNetns(netns);
    rmSync(fileOf(name));
    await lab.facts.event(`network/${name} removed`);
    expect(existsSync(fileOf(name))).toBe(false);
    await lab.client.container.remove({ id: name });
  });
});

describe('a macvlan beside others', () => {
  it('C10 the loss of a namespace is noticed only for its own container', async () => {
    await member('beside', 'macvlan');
    await lab.client.network.create({ name: 'other', subnets: [{ subnet: '10.11.0.0/24' }] });
    const ids = ['x', 'y', 'z'];
    for (const id of ids) await lab.client.container.setup({ id, networks: [{ network: 'beside' }] });
    for (const id of ids) await lab.remove(id);
    await lab.client.container.setup({ id: 'w', networks: [{ network: 'other' }] });
    await lab.client.request('container.connect', { id: 'w', network: 'beside' });
    const { netns } = (await lab.client.container.inspect({ id: 'w' })).container;
    native.removeNetns(netns?.path as string);
    await lab.facts.event('container/w lost');
    await lab.settled();
    const arrived = lab.facts.events.map(({ type, subject }) => `${subject} ${type.split('.').at(-1)}`);
    for (const id of [...ids, 'beside']) expect(arrived).not.toContain(`${id} lost`);
    await lab.remove('beside');
    await lab.client.container.remove({ id: 'w' });
    for (const name of ['beside', 'other']) await lab.client.network.remove({ name });
  });
});
