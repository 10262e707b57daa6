import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { ResolverClient } from '../../src/resolver/client.ts';
import { ResolverThread } from '../../src/resolver/thread.ts';
import { ask, entry, network, ownAddresses, Upstream } from '../resolver/support.ts';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';
import { ipBatch } from '../support/other-host.ts';

const directory = temporaryDirectory();
const at = (name: string) => `${directory.path}/${name}`;
const servers: Record<string, Upstream> = {};
const [one, two] = ['127.0.0.2', '127.0.0.3'];
const asker = { from: '10.89.0.2', at: '10.89.0.1' };
let thread: ResolverThread;
let client: ResolverClient;

beforeAll(async () => {
  await becomeFreshHost();
  ownAddresses('10.89.0.1', '10.89.0.2');
  for (const address of [one, two]) servers[address] = await Upstream.start(address);
  for (const name of ['etc', 'run', 'run/systemd', 'other']) mkdirSync(at(name));
  // as systemd-resolved and resolvconf have it: a link to a link
  symlinkSync('../run/resolv.conf', at('etc/resolv.conf'));
  symlinkSync('systemd/resolv.conf', at('run/resolv.conf'));
  writeFileSync(at('run/systemd/resolv.conf'), `nameserver ${one}\n`);
  thread = await ResolverThread.start({ resolvConf: at('etc/resolv.conf'), timeoutMs: 500 });
  client = new ResolverClient(thread.connect());
  await client.serve(network('web', 0, { servers: [] }));
  await client.add(entry('web', 'c1', ['10.89.0.2']));
});

afterAll(async () => {
  client.close();
  await thread.stop();
  for (const server of Object.values(servers)) server.stop();
  directory.remove();
});

/** The server that the next query reaches. */
async function nextGoesTo(): Promise<string[]> {
  const before = Object.values(servers).map(({ queries }) => queries.length);
  expect((await ask('a.example', asker)).rcode).toBe('NOERROR');
  return Object.entries(servers).flatMap(([address, { queries }], index) =>
    queries.length > (before[index] as number) ? address : [],
  );
}

const write = (name: string, ...addresses: string[]) =>
  writeFileSync(at(name), addresses.map((address) => `nameserver ${address}\n`).join(''));

function replace(name: string, address: string): void {
  write('other/new', address);
  renameSync(at('other/new'), at(name));
}

function link(name: string, target: string): void {
  symlinkSync(target, at('other/link'));
  renameSync(at('other/link'), at(name));
}

function linkTo(name: string, target: string, file: string, address: string): void {
  write(file, address);
  link(name, target);
}

const changes: [string, () => unknown, string][] = [
  ['the target of two links is rewritten', () => write('run/systemd/resolv.conf', two), two],
  ['the target is replaced by rename', () => replace('run/systemd/resolv.conf', one), one],
  ['the link in the middle leads elsewhere', () => linkTo('run/resolv.conf', at('other/a'), 'other/a', two), two],
  ['the target of an absolute link is rewritten', () => write('other/a', one), one],
  ['the first link leads elsewhere', () => linkTo('etc/resolv.conf', '../other/b', 'other/b', two), two],
  ['a file takes the place of the link', () => replace('etc/resolv.conf', one), one],
  ['the file is rewritten', () => write('etc/resolv.conf', two), two],
  [
    'the directory is replaced',
    () => {
      mkdirSync(at('etc2'));
      write('etc2/resolv.conf', one);
      renameSync(at('etc'), at('etc3'));
      renameSync(at('etc2'), at('etc'));
    },
    one,
  ],
  [
    'the first of several, behind comments and options',
    () =>
      writeFileSync(
        at('etc/resolv.conf'),
        `# nameserver ${one}\n; x\noptions rotate ndots:5\nsearch a b\nnameserver\t${two}  # mine\nnameserver ${one}\n`,
      ),
    two,
  ],
];
it.each(changes)('N07 the next query goes to the new server when %s', async (_, change, expected) => {
  await nextGoesTo();
  change();
  expect(await nextGoesTo()).toEqual([expected]);
  expect(await nextGoesTo()).toEqual([expected]);
});

it('N07 many rapid changes of equal size are all noticed', async () => {
  for (let n = 0; n < 40; n++) {
    const address = n % 2 === 0 ? one : two;
    if (n % 4 < 2) write('etc/resolv.conf', address);
    else replace('etc/resolv.conf', address);
    expect(await nextGoesTo()).toEqual([address]);
  }
});

it('N07 a briefly missing file is waited for, a missing one names no server, and a new one is read', async () => {
  write('etc/resolv.conf', one);
  await nextGoesTo();
  unlinkSync(at('etc/resolv.conf'));
  await expect.poll(async () => (await ask('a.example', asker)).rcode).toBe('SERVFAIL');
  link('etc/resolv.conf', at('other/c'));
  expect((await ask('a.example', asker)).rcode).toBe('SERVFAIL');
  write('other/c', two);
  expect(await nextGoesTo()).toEqual([two]);
  rmSync(at('etc'), { recursive: true });
  await expect.poll(async () => (await ask('a.example', asker)).rcode).toBe('SERVFAIL');
  mkdirSync(at('etc'));
  write('etc/resolv.conf', one);
  expect(await nextGoesTo()).toEqual([one]);
});

it('N07 a link-local server is asked through its link, by name and by number, including a link that appears later', async () => {
  const netns = at('router');
  write('etc/resolv.conf', 'fe80::1%late0', one);
  // no route leads there yet: the next server is asked
  expect(await nextGoesTo()).toEqual([one]);
  native.createNetns(netns).socket.close();
  execFileSync('ip', ['link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns]);
  // another link, on which no host has the same address
  execFileSync('ip', ['link', 'add', 'aside0', 'type', 'veth', 'peer', 'name', 'aside1']);
  ipBatch(null, [
    'link set late0 up',
    'link set aside0 up',
    'link set aside1 up',
    'address add fe80::9/64 dev late0 nodad',
    'address add fe80::8/64 dev aside0 nodad',
  ]);
  ipBatch(netns, ['link set eth0 up', 'address add fe80::1/64 dev eth0 nodad']);
  const script = `
    const socket = require('node:dgram').createSocket('udp6');
    socket.on('message', (message, { port, address }) => {
      message[2] |= 0x80;
      message[3] = 3;
      socket.send(message, port, address);
    });
    socket.bind(53, () => console.log('ready'));`;
  const server = spawn('nsenter', [`--net=${netns}`, process.execPath, '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(server.stdout, 'data');
    // it is the only answer that differs
    await expect.poll(async () => (await ask('b.example', asker)).rcode).toBe('NXDOMAIN');
    const [{ ifindex }] = JSON.parse(execFileSync('ip', ['-j', 'link', 'show', 'late0'], { encoding: 'utf8' }));
    write('etc/resolv.conf', `fe80::1%${ifindex}`);
    expect((await ask('b.example', asker)).rcode).toBe('NXDOMAIN');
    write('etc/resolv.conf', 'fe80::1%aside0');
    expect((await ask('b.example', asker)).rcode).toBe('SERVFAIL');
  } finally {
    server.kill();
    native.removeNetns(netns);
  }
});

const oddities: [string, () => unknown, string][] = [
  ['a FIFO without a writer', () => execFileSync('mkfifo', [at('other/odd')]), 'SERVFAIL'],
  ['a device that never ends', () => symlinkSync('/dev/zero', at('other/odd')), 'SERVFAIL'],
  ['a directory', () => mkdirSync(at('other/odd')), 'SERVFAIL'],
  ['a link to itself', () => symlinkSync('odd', at('other/odd')), 'SERVFAIL'],
  ['100 MiB', () => writeFileSync(at('other/odd'), `nameserver ${one}\n${'#'.repeat(100 << 20)}\n`), 'NOERROR'],
];
it.each(oddities)(
  'N07 B10 names are answered while resolv.conf is %s, and its servers are used again afterwards',
  async (_, make, rcode) => {
    write('etc/resolv.conf', two);
    await nextGoesTo();
    make();
    link('etc/resolv.conf', '../other/odd');
    await expect.poll(async () => (await ask('a.example', asker)).rcode).toBe(rcode);
    expect((await ask('c1', asker)).rcode).toBe('NOERROR');
    rmSync(at('other/odd'), { recursive: true });
    replace('etc/resolv.conf', one);
    await expect.poll(nextGoesTo).toEqual([one]);
  },
);
