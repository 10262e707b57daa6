import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { becomeFreshHost, ip, ipWithin, linkNames } from '../support/fresh-host.ts';
import { isFree } from '../support/kernel-state.ts';

const root = resolve(import.meta.dirname, '../..');
const programs = join(root, 'native/build/bench');
const directory = mkdtempSync(join(tmpdir(), 'floor-test-'));
const hostPorts = (index: number) => [10_000 + 2 * index, 10_001 + 2 * index];

let floor: ChildProcess;
let lines: AsyncIterator<string>;
const line = async (): Promise<string> => (await lines.next()).value;

function ask(command: string): Promise<string> {
  floor.stdin?.write(`${command}\n`);
  return line();
}

const milliseconds = /^\d+\.\d{4}$/;

beforeAll(async () => {
  execFileSync('cmake', ['--build', join(root, 'native/build'), '--target', 'floor', 'stopwatch']);
  await becomeFreshHost();
  floor = spawn(join(programs, 'floor'), {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: directory },
  });
  lines = createInterface({ input: floor.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  expect(await line()).toBe('ready');
}, 60_000);

afterAll(async () => {
  floor.stdin?.end();
  if (floor.exitCode === null) await once(floor, 'exit');
  rmSync(directory, { recursive: true, force: true });
});

/** Where it pins its namespaces. */
const home = (): string => join(directory, readdirSync(directory).find((name) => name.startsWith('floor-')) as string);
const pin = (index: number): string => join(home(), `${index}`);
const pins = (): string[] => readdirSync(home());

/** The elements of its sets: as nft prints them, one text each, without counters. */
function elements(family = 'inet'): string[] {
  const { nftables } = JSON.parse(
    execFileSync('nft', ['-j', 'list', 'table', family, 'floor'], { encoding: 'utf8' }),
  ) as {
    nftables: { map?: { elem?: unknown[] }; set?: { elem?: unknown[] } }[];
  };
  return nftables.flatMap(({ map, set }) =>
    [...(map?.elem ?? []), ...(set?.elem ?? [])].map((each) => JSON.stringify(each)),
  );
}

interface Link {
  ifname: string;
  address: string;
  master?: string;
  ifalias?: string;
  operstate: string;
  num_tx_queues: number;
  inet6_addr_gen_mode: string;
  linkinfo?: { info_kind: string; info_slave_data?: { hairpin: boolean } };
}

it('the floor makes what netloom makes for a container with two published ports', async () => {
  expect(await ask('setup 3')).toMatch(milliseconds);

  const [host] = ip<Link[]>('-d', 'link', 'show', 'dev', 'floor3');
  expect(host).toMatchObject({
    master: 'floor-bridge',
    ifalias: 'container/bench3',
    operstate: 'UP',
    num_tx_queues: 1,
    inet6_addr_gen_mode: 'none',
    linkinfo: { info_kind: 'veth', info_slave_data: { hairpin: true } },
  });
  const inside = ipWithin<Link[]>(pin(3), '-d', 'link', 'show');
  expect(inside.map(({ ifname }) => ifname)).toEqual(['lo', 'eth0']);
  expect(inside[1]).toMatchObject({ address: '02:f1:00:00:00:03', operstate: 'UP', num_tx_queues: 1 });
  expect(ipWithin(pin(3), '-4', 'addr', 'show', 'dev', 'eth0')).toMatchObject([
    { addr_info: [{ local: '10.66.0.5', prefixlen: 16 }] },
  ]);
  expect(ipWithin(pin(3), 'route', 'show', 'default')).toMatchObject([
    { gateway: '10.66.0.1', dev: 'eth0', metric: 100 },
  ]);

  const printed = elements();
  expect(printed).toHaveLength(6);
  expect(printed.join()).toContain('{"concat":["10.66.0.5",443]}');
  expect(printed.filter((text) => text.includes('container/bench3'))).toHaveLength(6);
  expect(hostPorts(3).map(isFree)).toEqual([false, false]);

  const held = elements('bridge');
  expect(held).toHaveLength(3);
  expect(held.join()).toContain('{"concat":["floor3","02:f1:00:00:00:03","10.66.0.5"]}');
  const settings = ['net/ipv6/conf/eth0/accept_ra', 'net/ipv6/conf/eth0/autoconf', 'net/ipv6/conf/eth0/accept_dad'];
  const values = [...settings, 'net/ipv4/conf/eth0/rp_filter', 'net/ipv4/conf/eth0/arp_notify'];
  expect(values.map((key) => native.getSysctl(pin(3), key))).toEqual(['0', '0', '0', '2', '1']);
});

it('the floor reaches the container, which listens to nothing', async () => {
  const [refused] = (await once(connect(80, '10.66.0.5'), 'error')) as [NodeJS.ErrnoException];
  expect(refused.code).toBe('ECONNREFUSED');
});

it('the floor removes everything at teardown', async () => {
  expect(await ask('teardown 3')).toMatch(milliseconds);

  expect(pins()).toEqual([]);
  expect(elements()).toEqual([]);
  // until the link has gone, which the next command waits for
  expect(elements('bridge')).toHaveLength(3);
  expect(hostPorts(3).map(isFree)).toEqual([true, true]);
});

it('the next command answers only after the link of the last one has gone', async () => {
  await ask('setup 4');
  await ask('teardown 4');
  await ask('setup 5');

  expect(elements('bridge').filter((text) => text.includes('floor5'))).toHaveLength(3);
  expect(elements('bridge')).toHaveLength(3);
  expect(linkNames()).toEqual(['lo', 'floor-bridge', 'floor5']);
});

it('a failed set-up gives its reason, and leaves nothing behind', async () => {
  const other = createServer().listen(hostPorts(6)[1], '127.0.0.1');
  await once(other, 'listening');

  expect(await ask('setup 6')).toBe('error hold port: Address already in use');

  other.close();
  await once(other, 'close');
  expect(linkNames()).not.toContain('floor6');
  expect(pins()).toEqual(['5']);
  expect(isFree(hostPorts(6)[0] as number)).toBe(true);
});

it('the floor refuses an unknown command, and continues', async () => {
  expect(await ask('setup 5')).toBe('error container 5 is set up already');
  expect(await ask('teardown 7')).toBe('error container 7 is not set up');
  expect(await ask('setup 20000')).toBe('error expected an index below 20000');
  expect(await ask('setup')).toBe('error expected setup <index>, teardown <index> or quit');
});

it('the floor leaves nothing behind when it ends', async () => {
  expect(await ask('quit')).toMatch(milliseconds);
  await once(floor, 'exit');

  expect(linkNames()).toEqual(['lo']);
  expect(execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' })).toBe('');
  expect(readdirSync(directory)).toEqual([]);
});

const stopwatch = (...args: string[]): string => {
  const input = join(directory, 'input');
  if (!existsSync(input)) writeFileSync(input, 'what it reads');
  return execFileSync(
    'sh',
    ['-c', `"$0" "$@" < ${input} 3>> ${directory}/output || true`, join(programs, 'stopwatch'), ...args],
    {
      encoding: 'utf8',
    },
  );
};

it('the stopwatch times a program the requested number of times, each with the complete input', () => {
  const printed = stopwatch('2', '--', 'sh', '-c', 'sleep 0.02; cat').trim().split('\n').map(Number);

  expect(printed).toHaveLength(2);
  for (const each of printed) expect(each).toBeGreaterThanOrEqual(20);
  expect(execFileSync('cat', [join(directory, 'output')], { encoding: 'utf8' })).toBe('what it reads'.repeat(2));
});

it('the stopwatch reports a program that fails or is missing', () => {
  expect(stopwatch('3', '--', 'sh', '-c', 'exit 7')).toBe('error sh: exit code 7\n');
  expect(stopwatch('3', '--', 'sh', '-c', 'kill -9 $$')).toBe('error sh: signal 9\n');
  expect(stopwatch('1', '--', '/does/not/exist')).toBe('error /does/not/exist: No such file or directory\n');
});
