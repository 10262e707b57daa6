import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ResolverClient } from '../../src/resolver/client.ts';
import { ResolverThread } from '../../src/resolver/thread.ts';
import { becomeFreshHost } from '../support/fresh-host.ts';
import { seeded } from '../support/seeded.ts';
import { ask, entry, network, ownAddresses, query } from './support.ts';

const web = { from: '10.89.0.2', at: '10.89.0.1' };
let thread: ResolverThread;
let client: ResolverClient;
let socket: Socket;

beforeAll(async () => {
  await becomeFreshHost();
  ownAddresses('10.89.0.1', '10.89.0.2');
  thread = await ResolverThread.start({ resolvConf: '/nonexistent', timeoutMs: 50 });
  client = new ResolverClient(thread.connect());
  await client.serve(network('front', 0, { forward: false }));
  await client.add(entry('front', 'web', ['10.89.0.2']));
  socket = createSocket('udp4');
  socket.bind(0, web.from);
  await once(socket, 'listening');
});

afterAll(async () => {
  socket.close();
  client.close();
  await thread.stop();
});

it('the resolver answers each of 2,000 queries a second while 200 containers come and go', async () => {
  const seconds = 4;
  const answers = new Map<number, number>();
  const onMessage = (raw: Buffer) => answers.set(raw.readUInt16BE(0), raw.readUInt8(3) & 15);
  socket.on('message', onMessage);
  let sent = 0;
  const startMs = performance.now();
  const asking = setInterval(() => {
    const due = Math.min(seconds * 2000, Math.floor((performance.now() - startMs) * 2));
    for (; sent < due; sent++) socket.send(query('web', { id: sent }), 53, web.at);
  }, 2);
  for (let n = 0; n < 200; n++) {
    const one = entry('front', `c${n}`, [`10.89.0.${10 + (n % 200)}`]);
    await client.add(one);
    // acknowledged: its own name resolves now
    expect((await ask(one.container, web)).data).toEqual(one.addresses);
    await client.add({ ...one, names: [one.container, 'also'] });
    if (n % 2 === 0) await client.remove('front', one.container);
    await sleep(Math.max(0, startMs + (n + 1) * ((seconds * 1000) / 200) - performance.now()));
  }
  while (sent < seconds * 2000) await sleep(5);
  clearInterval(asking);
  await expect.poll(() => answers.size, { timeout: 3000 }).toBe(sent);
  expect([...answers.values()].every((rcode) => rcode === 0)).toBe(true);
  socket.off('message', onMessage);
  console.log(
    `${sent} queries in ${Math.round(performance.now() - startMs)} ms, ${answers.size} answered, 200 changes`,
  );
});

it('the resolver answers at speed', async () => {
  const total = 20_000;
  const raw = query('web', {});
  let answered = 0;
  const startMs = performance.now();
  await new Promise<void>((resolve) => {
    const onMessage = () => {
      if (++answered === total) {
        socket.off('message', onMessage);
        resolve();
      } else if (answered + 64 <= total) socket.send(raw, 53, web.at);
    };
    socket.on('message', onMessage);
    for (let n = 0; n < 64; n++) socket.send(raw, 53, web.at);
  });
  const perSecond = Math.round(total / ((performance.now() - startMs) / 1000));
  console.log(`${perSecond} queries/s by UDP`);
  expect(perSecond).toBeGreaterThan(2000);
});

it('the resolver survives 100,000 malformed packets without a leak', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  console.log(`SEED=${seed}`);
  const random = seeded(seed);
  const samples = [
    query('web', {}),
    query('web.dns.netloom', { type: 'AAAA', edns: 1232 }),
    query('2.0.89.10.in-addr.arpa', { type: 'PTR' }),
    query('a.example', { type: 'ANY', edns: 4096 }),
  ];
  const fds = () => readdirSync('/proc/self/fd').length;
  const received = async () => (await client.status()).queries.received;
  const burst = 250;
  let sent = await received();
  const flood = async (count: number) => {
    for (let n = 0; n < count; n += burst) {
      for (let each = 0; each < burst; each++) socket.send(malformed(random, samples), 53, web.at);
      sent += burst;
      // all of them arrived: none was lost before the resolver read it
      while ((await received()) < sent) await sleep(1);
    }
  };
  await flood(10_000);
  const before = { rssMb: process.memoryUsage.rss() / 2 ** 20, fds: fds() };
  const startMs = performance.now();
  await flood(90_000);
  const after = { rssMb: process.memoryUsage.rss() / 2 ** 20, fds: fds() };
  console.log(
    `90,000 in ${Math.round(performance.now() - startMs)} ms`,
    before,
    after,
    (await client.status()).queries,
  );
  expect(after.fds).toBe(before.fds);
  expect(after.rssMb - before.rssMb).toBeLessThan(100);
  expect((await ask('web', web)).data).toEqual(['10.89.0.2']);
}, 60_000);

/** Random bytes, or a valid query with bytes changed, cut off or appended. */
function malformed(random: () => number, samples: Buffer[]): Buffer {
  const below = (bound: number) => Math.floor(random() * bound);
  if (random() < 0.2) return Buffer.from(Array.from({ length: below(200) }, () => below(256)));
  const raw = Buffer.from(samples[below(samples.length)] ?? Buffer.alloc(12));
  for (let changes = below(6); changes >= 0; changes--) raw.writeUInt8(below(256), below(raw.length));
  const tail = Buffer.from(Array.from({ length: below(20) }, () => below(256)));
  return random() < 0.5 ? raw.subarray(0, below(raw.length + 1)) : Buffer.concat([raw, tail]);
}
