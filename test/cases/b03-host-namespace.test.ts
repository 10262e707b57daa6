import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readlinkSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as native from '#native';
import type { RequestOf } from '../../src/client.ts';
import { netloom } from '../cli/netloom.ts';
import { inventory } from '../support/daemon.ts';
import { ip, linkNames } from '../support/fresh-host.ts';
import { Lab, refusal } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

/** A host with a default route by up0, which must stay. */

let lab: Lab;
let pinOfHost: string;
let linkToHost: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  lab = await Lab.open();
  ipBatch(null, [
    ...['link add up0 type veth peer name up0x', 'link set up0x up', 'link set up0 up'],
    ...['address add 192.0.2.1/24 dev up0', 'route add default via 192.0.2.254'],
  ]);
  await lab.client.network.create({ name: 'web', ipv6_enabled: true });
  // The network's bridge exists before the tests and stays.
  await lab.client.container.setup({ id: 'first', networks: [{ network: 'web' }] });
  pinOfHost = `${lab.directory.path}/pin`;
  writeFileSync(pinOfHost, '');
  execFileSync('mount', ['--bind', '/proc/self/ns/net', pinOfHost]);
  linkToHost = `${lab.directory.path}/link`;
  symlinkSync(pinOfHost, linkToHost);
});
afterAll(async () => {
  unlinkSync(linkToHost);
  execFileSync('umount', [pinOfHost]);
  await lab.close(['up0']);
});

let before: unknown;
const state = () => ({
  ...inventory(lab.daemon),
  processes: [],
  routes: [ip('route'), ip('-6', 'route')],
  addresses: ip<{ addr_info: { local: string }[] }[]>('address').flatMap(({ addr_info }) =>
    addr_info.map(({ local }) => local),
  ),
});
beforeEach(async () => {
  before = state();
});
/** Every refusal comes before anything is built: the host is unchanged. */
afterEach(async () => {
  for (const child of children.splice(0)) {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
    child.kill('SIGKILL');
    await ended;
  }
  const { containers } = await lab.client.container.list();
  for (const { id } of containers.filter(({ id }) => id !== 'first')) await lab.remove(id);
  expect(state()).toEqual(before);
});

function process(...line: string[]): ChildProcess & { pid: number } {
  const child = spawn(line[0] as string, line.slice(1), { stdio: 'ignore' });
  children.push(child);
  return child as ChildProcess & { pid: number };
}

type Setup = RequestOf<'container.setup'>;
const networks = [{ network: 'web' }];

describe("the host's own namespace requested for a container", () => {
  const wishes: [string, () => Omit<Setup, 'id'>][] = [
    ['process 1', () => ({ pid: 1 })],
    ['a process of the host', () => ({ pid: process('sleep', '60').pid })],
    ['the path of process 1', () => ({ mode: 'ns:/proc/1/ns/net' })],
    ['the path of the daemon itself', () => ({ mode: 'ns:/proc/self/ns/net' })],
    ['the path of its thread', () => ({ mode: 'ns:/proc/thread-self/ns/net' })],
    ['a bind mount of it', () => ({ mode: `ns:${pinOfHost}` })],
    ['a symbolic link to that', () => ({ mode: `ns:${linkToHost}` })],
  ];

  it.each(wishes)(
    "B03 a set-up in the host's own namespace is refused, given as %s, with networks and without",
    async (_, wish) => {
      const port = { hostPort: 8080, containerPort: 80 };
      for (const [index, more] of [{ networks, ports: [port] }, {}].entries()) {
        const fault = await refusal(lab.client.container.setup({ id: `c${index}`, ...wish(), ...more }));
        expect(fault).toMatchObject({ code: 'mode.conflict' });
        expect(fault.message).toContain("the host's own network namespace: use mode host");
      }
    },
  );

  it.each(wishes)("B03 the door refuses a container in the host's own namespace, given as %s", async (_, wish) => {
    const id = 'd'.repeat(64);
    expect(await refusal(lab.client.container.attach({ id, ...wish(), networks }))).toMatchObject({
      code: 'mode.conflict',
    });
  });

  it("B03 a set-up is refused while the process has not yet left the host's namespace", async () => {
    const { pid } = process('sh', '-c', 'sleep 1; exec unshare --net sleep 60');
    const { stderr, exitCode } = await netloom(lab.daemon, [
      'container',
      'setup',
      'c',
      '--pid',
      `${pid}`,
      '--network',
      'web',
    ]);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('mode.conflict');
    expect(stderr).toContain('use mode host');
  });
});

it("B03 the same process is adopted after it has left the host's namespace", async () => {
  const { pid } = process('unshare', '--net', 'sleep', '60');
  const own = readlinkSync('/proc/self/ns/net');
  while (existsSync(`/proc/${pid}`) && readlinkSync(`/proc/${pid}/ns/net`) === own)
    await new Promise((resolve) => setTimeout(resolve, 1));
  const { netns } = await lab.client.container.setup({ id: 'c', pid, networks });
  expect(native.netnsIdentity(netns.path)).toEqual(native.netnsIdentity(`/proc/${pid}/ns/net`));
});

it('B03 mode host and a container that shares it are allowed, and neither can join a network', async () => {
  const { netns } = await lab.client.container.setup({ id: 'host', mode: 'host' });
  expect((await lab.client.container.setup({ id: 'mate', mode: 'container:host' })).netns).toEqual(netns);
  expect(linkNames()).not.toContain('eth0');
  expect(await refusal(lab.client.container.connect({ id: 'host', network: 'web' }))).toMatchObject({
    code: 'mode.conflict',
  });
  await lab.client.container.reload({ id: 'mate' });
  await lab.restart('kill');
  for (const id of ['host', 'mate'])
    expect((await lab.client.container.inspect({ id })).container).toMatchObject({ state: 'configured' });
});

describe('a namespace path that later leads to the host', () => {
  it('B03 a container whose namespace path now leads to the host is not connected, healed or set up there', async () => {
    const path = `${lab.directory.path}/foreign`;
    native.createNetns(path).socket.close();
    await lab.client.network.create({ name: 'other' });
    await lab.client.container.setup({ id: 'c', mode: `ns:${path}`, networks });
    await lab.restart('stop', () => {
      native.removeNetns(path);
      symlinkSync(pinOfHost, path);
    });
    await lab.facts.event('container/c lost');
    expect(await refusal(lab.client.container.setup({ id: 'c' }))).toMatchObject({ code: 'mode.conflict' });
    unlinkSync(path);
    await lab.client.network.remove({ name: 'other' });
  });
});
