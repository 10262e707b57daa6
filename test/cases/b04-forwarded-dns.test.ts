import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ContainerStatus } from '../../src/contract/container-replies.ts';
import { Shares } from '../../src/resolver/share.ts';
import { answered, exchange, query, Upstream } from '../resolver/support.ts';
import { Lab } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

let lab: Lab;
let upstream: Upstream;
/** on the same network as the greedy containers, and on another one */
let neighbour: ContainerStatus;
let elsewhere: ContainerStatus;
const greedy: ContainerStatus[] = [];

beforeAll(async () => {
  lab = await Lab.open();
  // does not answer names that begin with `silent.`
  upstream = await Upstream.start('127.0.0.2');
  const network_dns_servers = ['127.0.0.2'];
  // as on a network without guarded ports: packets with invented sources reach the resolver
  await lab.client.network.create({ name: 'many', network_dns_servers, options: { spoofing: 'allow' } });
  await lab.client.network.create({ name: 'other', network_dns_servers });
  ipBatch(null, ['link add br7 type bridge', 'link set br7 up', 'address add 10.97.0.1/24 dev br7']);
  await lab.client.network.create({
    name: 'plain',
    network_dns_servers,
    network_interface: 'br7',
    options: { mode: 'unmanaged' },
    subnets: [{ subnet: '10.97.0.0/24' }],
  });
  for (const id of ['g1', 'g2', 'g3', 'g4'])
    greedy.push(await lab.client.container.setup({ id, networks: [{ network: 'many' }] }));
  neighbour = await lab.client.container.setup({ id: 'neighbour', networks: [{ network: 'many' }] });
  elsewhere = await lab.client.container.setup({ id: 'elsewhere', networks: [{ network: 'other' }] });
});
afterAll(async () => {
  upstream.stop();
  ipBatch(null, ['link delete br7']);
  await lab.close();
});

/** On a machine whose processors have other work, too. */
const patienceMs = 30_000;
const testMs = 120_000;

const networkOf = ({ status }: ContainerStatus) => Object.keys(status)[0] as string;
const gatewayOf = (one: ContainerStatus) => one.status[networkOf(one)]?.dns_server_ips[0] as string;
const addressOf = ({ status }: ContainerStatus) =>
  Object.values(Object.values(status)[0]?.interfaces ?? {})[0]?.subnets[0]?.ipnet.split('/')[0] as string;

/**
 * Asks, in a namespace, `count` times for each name from each source, again every `everyMs` until stopped; counts the reply codes.
 * With `everyMs` 0 it asks once, and repeats what is not answered each second, as any resolver does: UDP may lose a question.
 */
function asking(netns: string, server: string, sources: string[], names: string[], count: number, everyMs: number) {
  const script = `
    const [server, sources, names, count, everyMs] = JSON.parse(process.argv[1]);
    const codes = {};
    let answers = 0;
    const encode = (name, id) => Buffer.concat([Buffer.from([id >> 8, id & 255]), Buffer.from('01000001000000000000', 'hex'),
      ...name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]), Buffer.from('0000010001', 'hex')]);
    for (const source of sources) {
      const socket = require('node:dgram').createSocket('udp4');
      socket.on('error', (e) => { codes[e.code] = (codes[e.code] ?? 0) + 1; });
      const pending = new Map();
      socket.on('message', (m) => {
        if (everyMs === 0 && !pending.delete(m.readUInt16BE(0))) return;
        const code = m[3] & 15; codes[code] = (codes[code] ?? 0) + 1;
        if (++answers === codes.asked) console.log('all answered'); });
      let id = 0;
      const send = (question) => socket.send(question, 53, server, () => {});
      const round = () => {
        codes.asked = (codes.asked ?? 0) + count * names.length;
        for (let n = 0; n < count; n++) for (const name of names) {
          const question = encode(name, id & 65535);
          if (everyMs === 0) pending.set(id & 65535, question);
          id++;
          send(question);
        }
      };
      const again = () => { for (const question of pending.values()) send(question); };
      socket.bind(0, source, () => { round(); setInterval(everyMs > 0 ? round : again, everyMs || 1_000); });
    }
    console.log('asking');
    process.stdin.resume().on('end', () => { console.log(JSON.stringify(codes)); process.exit(); });`;
  const args = [`--net=${netns}`, process.execPath, '-e', script];
  const child = spawn('nsenter', [...args, JSON.stringify([server, sources, names, count, everyMs])], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  onTestFinished(() => void child.kill());
  return {
    begun: () => expect.poll(() => output, { timeout: patienceMs }).toContain('asking'),
    answered: () => expect.poll(() => output, { timeout: patienceMs }).toContain('all answered'),
    end: async (): Promise<Record<string, number>> => {
      child.stdin.end();
      await ended;
      return JSON.parse(output.trim().split('\n').at(-1) as string);
    },
  };
}

/** Expects that every question of the other containers and of the host is answered, one asker after another. */
async function othersAreAnswered(): Promise<void> {
  const gateway = gatewayOf(neighbour);
  for (const one of [neighbour, elsewhere]) {
    const asks = asking(one.netns.path, gatewayOf(one), [addressOf(one)], ['a.example', 'b.example'], 10, 0);
    await asks.answered();
    expect(await asks.end(), one.id).toEqual({ asked: 20, 0: 20 });
  }
  // the host itself
  const asked = { from: gateway, at: gateway };
  const rcode = async () => {
    const reply = await exchange(query('c.example', {}), asked, 3_000);
    return reply && answered(reply).rcode;
  };
  for (let n = 0; n < 5; n++) await expect.poll(rcode, { timeout: patienceMs }).toBe('NOERROR');
}

it(
  'B04 four containers that ask for names with silent servers take no capacity from others',
  async () => {
    const attacks = greedy.map((one) =>
      asking(one.netns.path, gatewayOf(one), [addressOf(one)], ['silent.example'], 300, 400),
    );
    for (const attack of attacks) await attack.begun();
    const silent = () => upstream.queries.filter(({ raw }) => raw.includes('silent')).length;
    await expect.poll(silent, { timeout: patienceMs }).toBeGreaterThan(1000);
    await othersAreAnswered();
    for (const attack of attacks) expect((await attack.end())[0]).toBeUndefined();
  },
  testMs,
);

it.each(['many', 'plain'])(
  'B04 sources invented by a container of network %s are not served, and its own address is',
  async (network) => {
    const one = await lab.client.container.setup({ id: `inventor-${network}`, networks: [{ network }] });
    const own = addressOf(one);
    const invented = Array.from({ length: 60 }, (_, n) => own.replace(/\d+$/, `${180 + n}`));
    ipBatch(
      one.netns.path,
      invented.map((address) => `address add ${address}/24 dev eth0`),
    );
    const before = upstream.queries.length;
    const attack = asking(one.netns.path, gatewayOf(one), invented, ['silent.invented', 'a.invented'], 40, 400);
    await attack.begun();
    await othersAreAnswered();
    const codes = await attack.end();
    expect(codes.asked).toBeGreaterThan(2_000);
    expect(Object.keys(codes)).toEqual(['asked']);
    expect(upstream.queries.slice(before).some(({ raw }) => raw.includes('invented'))).toBe(false);
    // the resolver left them unanswered, not the bridge
    expect((await lab.client.container.inspect({ id: one.id })).dropped).toEqual({});
    // the container's own address is served as before
    const asks = asking(one.netns.path, gatewayOf(one), [own], [`a.held.${network}`], 1, 50);
    await expect
      .poll(() => upstream.queries.some(({ raw }) => raw.includes(network)), { timeout: patienceMs })
      .toBe(true);
    await asks.end();
  },
  testMs,
);

it(
  'B04 containers are served from the first moment of a restarted daemon',
  async () => {
    const gateway = gatewayOf(neighbour);
    const { begun, end } = asking(neighbour.netns.path, gateway, [addressOf(neighbour)], ['neighbour'], 1, 10);
    await begun();
    const answered = async () => (await exchange(query('neighbour', {}), { from: gateway, at: gateway }, 300)) !== null;
    await lab.restart('kill');
    await expect.poll(answered, { timeout: patienceMs }).toBe(true);
    expect(Object.keys(await end())).toEqual(expect.arrayContaining(['0', 'asked']));
    const { answered: again, end: stop } = asking(
      neighbour.netns.path,
      gateway,
      [addressOf(neighbour)],
      ['neighbour'],
      20,
      0,
    );
    await again();
    expect(await stop()).toEqual({ asked: 20, 0: 20 });
  },
  testMs,
);

describe('B04 places for queries under way', () => {
  const place = (network: string, holder: string) => ({
    asker: { network, holder },
    lost: 0,
    giveWay() {
      this.lost++;
    },
  });
  const take = (shares: Shares, network: string, holder: string, count: number) =>
    Array.from({ length: count }, () => place(network, holder)).filter((one) => shares.take(one));

  it('B04 one asker gets at most a quarter of the places, and several askers together can use all of them', () => {
    const shares = new Shares(16);
    expect(take(shares, 'a', '1', 9)).toHaveLength(4);
    for (const holder of ['2', '3', '4']) expect(take(shares, 'a', holder, 9)).toHaveLength(4);
  });

  const lostBy = (places: { lost: number }[]) => places.reduce((sum, { lost }) => sum + lost, 0);

  it('B04 a new asker takes a place from the asker with most places, from its oldest query first', () => {
    const shares = new Shares(16);
    const taken = ['1', '2', '3', '4'].map((holder) => take(shares, 'a', holder, 4));
    expect(take(shares, 'a', '5', 9)).toHaveLength(4);
    expect(taken.map(lostBy)).toEqual([1, 1, 1, 1]);
    for (const [oldest, ...newer] of taken) expect([oldest?.lost, lostBy(newer)]).toEqual([1, 0]);
    // no asker has more places than this one
    expect(take(shares, 'a', '5', 1)).toHaveLength(0);
  });

  it('B04 a new asker takes places from the network with most places, however many askers that has', () => {
    const shares = new Shares(16);
    const crowd = Array.from({ length: 16 }, (_, n) => take(shares, 'crowd', `${n}`, 1)).flat();
    const quiet = [...take(shares, 'quiet', '1', 4), ...take(shares, 'quiet', '2', 4)];
    expect([quiet.length, lostBy(crowd)]).toEqual([8, 8]);
    // half and half: each network gives up its own place for its next asker
    expect(take(shares, 'crowd', 'new', 1)).toHaveLength(1);
    expect([lostBy(quiet), lostBy(crowd)]).toEqual([0, 9]);
    expect(take(shares, 'quiet', '3', 1)).toHaveLength(1);
    expect([lostBy(quiet), lostBy(crowd)]).toEqual([1, 9]);
  });

  it('B04 a place that was given back is free once, even when given back twice', () => {
    const shares = new Shares(4);
    const [one] = take(shares, 'a', '1', 1) as [ReturnType<typeof place>];
    shares.giveBack(one);
    shares.giveBack(one);
    const taken = ['1', '2', '3', '4'].flatMap((holder) => take(shares, 'a', holder, 1));
    expect([taken.length, lostBy(taken)]).toEqual([4, 0]);
    expect(take(shares, 'a', '5', 1)).toHaveLength(1);
    expect(lostBy(taken)).toBe(1);
  });
});

it(
  'B04 a container that asks without pause does not keep its neighbours from being answered',
  async () => {
    const attacks = greedy
      .slice(0, 1)
      .map((one) => asking(one.netns.path, gatewayOf(one), [addressOf(one)], ['g1'], 5_000, 1));
    for (const attack of attacks) await attack.begun();
    const counts: number[] = [];
    for (let n = 0; n < 20; n++) {
      const asks = asking(neighbour.netns.path, gatewayOf(neighbour), [addressOf(neighbour)], ['neighbour'], 1, 0);
      await asks.answered();
      counts.push((await asks.end())[0] ?? 0);
    }
    expect(counts).toEqual(Array(20).fill(1));
    const results = await Promise.all(attacks.map((attack) => attack.end()));
    for (const { asked = 0, 0: answered = 0 } of results) {
      console.log(`of ${asked} questions ${answered} were answered`);
      expect(answered).toBeGreaterThan(0);
      expect(answered).toBeLessThan(asked);
    }
  },
  testMs,
);
