import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { ResolverClient } from '../../src/resolver/client.ts';
import { ResolverThread } from '../../src/resolver/thread.ts';
import { entry, network, ownAddresses, query } from '../resolver/support.ts';
import { becomeFreshHost } from '../support/fresh-host.ts';

const web = { four: { from: '10.89.0.2', at: '10.89.0.1' }, six: { from: 'fd00:89::2', at: 'fd00:89::1' } };
let thread: ResolverThread;
let client: ResolverClient;
const busy: ChildProcess[] = [];

beforeAll(async () => {
  await becomeFreshHost();
  ownAddresses('10.89.0.1', '10.89.0.2', 'fd00:89::1', 'fd00:89::2');
  thread = await ResolverThread.start({ resolvConf: '/nonexistent' });
  client = new ResolverClient(thread.connect());
  const dual = { listen: [web.four.at, web.six.at], subnets: ['10.89.0.0/24', 'fd00:89::/64'], forward: false };
  await client.serve(network('front', 0, dual));
  await client.add(entry('front', 'web', [web.four.from, web.six.from]));
  for (let n = 0; n < availableParallelism(); n++) busy.push(spawn(process.execPath, ['-e', 'for(;;);']));
});

afterAll(async () => {
  for (const one of busy) one.kill('SIGKILL');
  client.close();
  await thread.stop();
});

/** An asker whose own buffer loses nothing: every loss is the resolver's. */
function asker(from: string): { socket: Socket; answered: Set<number> } {
  const socket = createSocket(from.includes(':') ? 'udp6' : 'udp4');
  socket.bind({ fd: native.openUdpSocket(from, 0, 8 << 20) });
  const answered = new Set<number>();
  socket.on('message', (raw) => answered.add(raw.readUInt16BE(0)));
  return { socket, answered };
}

/** Counts the packets that the kernel dropped for want of room in sockets of port 53. */
function drops(): number {
  const rows = ['udp', 'udp6'].flatMap((table) =>
    readFileSync(`/proc/thread-self/net/${table}`, 'utf8').trim().split('\n'),
  );
  const own = rows.map((row) => row.trim().split(/\s+/)).filter(([, local]) => local?.endsWith(':0035'));
  expect(own).toHaveLength(2);
  return own.reduce((sum, row) => sum + Number(row.at(-1)), 0);
}

it.each(Object.entries(web))(
  'N24 the resolver loses none of 2,000 queries a second on a busy machine (%s)',
  async (_, { from, at }) => {
    const { socket, answered } = asker(from);
    const total = 4_000;
    let sent = 0;
    const startMs = performance.now();
    const asking = setInterval(() => {
      const due = Math.min(total, Math.floor((performance.now() - startMs) * 2));
      for (; sent < due; sent++) socket.send(query('web', { id: sent }), 53, at);
    }, 2);
    await expect.poll(() => answered.size, { timeout: 15_000 }).toBe(total);
    clearInterval(asking);
    socket.close();
    expect(drops()).toBe(0);
  },
  20_000,
);

it.each(Object.entries(web))(
  'N24 the resolver loses none of 2,000 simultaneous queries (%s)',
  async (_, { from, at }) => {
    const { socket, answered } = asker(from);
    const raws = Array.from({ length: 2_000 }, (_, id) => query('web', { id }));
    for (const raw of raws) socket.send(raw, 53, at);
    await expect.poll(() => answered.size, { timeout: 10_000 }).toBe(raws.length);
    socket.close();
    expect(drops()).toBe(0);
  },
  20_000,
);
