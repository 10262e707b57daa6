import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CommandName, type NetloomClient, NetloomError, type RequestOf } from '../../src/client.ts';
import { inventory, nothing, processesOf, TestDaemon, untilAnswered } from '../support/daemon.ts';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';
import { seeded } from '../support/seeded.ts';
import { triedTimes } from '../support/sweeps.ts';

/** How often something fails; a sample without `SWEEPS=all`. */
const daemonDeaths = triedTimes(50);
const workerDeaths = triedTimes(30);
const serverDeaths = triedTimes(15);

const containers = Array.from({ length: 20 }, (_, index) => `c${index}`);
const network = 'crash';
/** Errors that a client gets while a daemon, a worker or the bus is down: it repeats the command under the same ID. */
const passing = new Set(['bus.unreachable', 'command.timeout', 'node.recovering', 'node.draining', 'worker.lost']);

/** Workers that end go on for a moment, so that they end anywhere in their work. */
const lateExit = new URL('../../dist/test/support/late-exit.js', import.meta.url);

/** A container may wait through several deaths in a row. */
const patienceMs = 60_000;

let directory: { path: string; remove(): void };
let daemon: TestDaemon;

beforeAll(becomeFreshHost);
afterEach(async () => {
  await daemon.stop();
  expect(processesOf(daemon)).toEqual([]);
  directory.remove();
});

/** Repeats a command until there is a reply; the ID makes sure that it is carried out once. */
async function insist<Name extends CommandName>(
  client: NetloomClient,
  name: Name,
  request: RequestOf<Name>,
  msgId: string,
) {
  return untilAnswered(async () => {
    try {
      return await client.request(name, request, { msgId, timeoutMs: 1_000 });
    } catch (error) {
      if (error instanceof NetloomError && !passing.has(error.code)) return error.fault;
      throw error;
    }
  }, patienceMs);
}

/** Sets one container up and takes it down again until it is stopped; collects every unexpected reply. */
async function churn(
  client: NetloomClient,
  index: number,
  going: { on: boolean },
  unexpected: unknown[],
): Promise<number> {
  const id = containers[index] as string;
  const ports = [
    { hostPort: 20_000 + 2 * index, containerPort: 80 },
    { hostPort: 20_001 + 2 * index, containerPort: 53, protocol: 'udp' },
  ];
  let rounds = 0;
  for (; going.on; rounds++) {
    const answers = [
      await insist(client, 'container.setup', { id, networks: [{ network }], ports }, `${id}-setup-${rounds}`),
      await insist(client, 'container.teardown', { id }, `${id}-teardown-${rounds}`),
      await insist(client, 'container.remove', { id }, `${id}-remove-${rounds}`),
    ];
    unexpected.push(...answers.filter((answer) => 'code' in answer));
  }
  return rounds;
}

/** Runs the churn through many failures; afterwards everything must be in order. */
async function survive(
  times: number,
  terrible: (client: NetloomClient, random: () => number) => Promise<void>,
): Promise<void> {
  const seed = Date.now() % 100_000;
  const random = seeded(seed);
  directory = temporaryDirectory();
  daemon = new TestDaemon(directory.path);
  daemon.environment = { NODE_OPTIONS: `--import=${lateExit.href}` };
  const client = await daemon.start();
  await client.network.create({ name: network, subnets: [{ subnet: '10.77.0.0/24' }] });

  const going = { on: true };
  const unexpected: unknown[] = [];
  const loops = containers.map((_, index) => churn(client, index, going, unexpected));
  for (let round = 0; round < times; round++) {
    await delay(random() * 150);
    await terrible(client, random);
  }
  going.on = false;
  const rounds = (await Promise.all(loops)).reduce((sum, count) => sum + count, 0);
  console.info(`seed ${seed}: ${times} times, ${rounds} lives of containers`);

  expect(unexpected).toEqual([]);
  expect((await client.container.list()).containers).toEqual([]);
  // the messages of the last removals may reach the network after the replies
  await untilAnswered(async () => expect((await client.network.inspect({ name: network })).network.leases).toEqual({}));
  await insist(client, 'network.remove', { name: network }, 'network-remove');
  const left = inventory(daemon);
  expect({ ...left, processes: [] }).toEqual(nothing);

  const sequences = await publishedSequences(client);
  expect(sequences).toEqual(sequences.map((_, index) => index + 1));
  expect(sequences.length).toBeGreaterThan(rounds * 4);
  await client.close();
}

/** Numbers of all events in the stream, in stream order, once the outbox is empty. */
async function publishedSequences(client: NetloomClient): Promise<number[]> {
  await untilAnswered(async () => {
    if ((await client.info()).outbox > 0) throw new Error('facts are still on their way');
  });
  const sequences: number[] = [];
  for await (const { sequence } of client.events({ since: 'all', follow: false })) sequences.push(Number(sequence));
  return sequences;
}

describe('20 containers set up and torn down in a loop', () => {
  it(`containers set up and torn down in a loop leave nothing and lose no event when the daemon is killed ${daemonDeaths} times`, {
    timeout: 600_000,
  }, async () => {
    await survive(daemonDeaths, async () => {
      await daemon.kill();
      const again = await daemon.start();
      await again.close();
    });
  });

  it(`containers set up and torn down in a loop leave nothing and lose no event when a worker dies ${workerDeaths} times`, {
    timeout: 600_000,
  }, async () => {
    await survive(workerDeaths, async (client, random) => {
      const index = random() < 0.5 ? 0 : 1;
      await client.worker.restart({ index }, { timeoutMs: 10_000 });
    });
  });

  it(`containers set up and torn down in a loop leave nothing and lose no event when nats-server is killed ${serverDeaths} times`, {
    timeout: 600_000,
  }, async () => {
    await survive(serverDeaths, async (client) => {
      const pid = daemon.natsPid();
      if (pid !== null) process.kill(pid, 'SIGKILL');
      await untilAnswered(async () => {
        if (daemon.natsPid() === pid) throw new Error('not started again yet');
        await client.info({ timeoutMs: 500 });
      });
    });
  });
});
