import { promises } from 'node:fs';
import { release } from 'node:os';
import type { NetloomClient } from '../src/client.ts';
import { TestDaemon, untilAnswered } from '../test/support/daemon.ts';
import { becomeFreshHost, temporaryDirectory } from '../test/support/fresh-host.ts';

/**
 * `npm run bench`: what `container.setup` and `container.teardown` (bridge, 2 published ports) cost as a NATS client sees
 * them, next to the kernel steps within, with none and with 500 containers present. One daemon, its own process, in a
 * namespace that plays a host. `--quick` measures less, `--json` prints numbers only.
 */

const quick = process.argv.includes('--quick');
const rounds = quick ? 60 : 300;
const warmUp = quick ? 40 : 200;
const populations = [0, 500];

interface Sample {
  totalMs: number;
  kernelMs: number;
}
type Row = {
  present: number;
  command: string;
  p50Ms: number;
  p99Ms: number;
  kernelP50Ms: number;
  kernelP99Ms: number;
  ratioP50: number;
};

const network = 'bench';

function request(index: number) {
  const ports = [
    { hostPort: 10_000 + 2 * index, containerPort: 80 },
    { hostPort: 10_001 + 2 * index, containerPort: 443 },
  ];
  return { id: `bench${index}`, networks: [{ network }], ports };
}

async function timed<T extends { kernelMs: number }>(call: () => Promise<T>): Promise<Sample> {
  const startMs = performance.now();
  const { kernelMs } = await call();
  return { totalMs: performance.now() - startMs, kernelMs };
}

/** One container set up and taken down, `count` times; the links of each are gone before the next begins. */
async function measure(
  client: NetloomClient,
  first: number,
  count: number,
): Promise<{ setup: Sample[]; teardown: Sample[] }> {
  const setup: Sample[] = [];
  const teardown: Sample[] = [];
  for (let index = first; index < first + count; index++) {
    const { id, ...wish } = request(index);
    setup.push(await timed(() => client.container.setup({ id, ...wish })));
    teardown.push(await timed(() => client.container.teardown({ id })));
    await client.container.remove({ id });
  }
  return { setup, teardown };
}

function row(present: number, command: string, samples: Sample[]): Row {
  const at = (pick: (sample: Sample) => number, share: number) => {
    const sorted = samples.map(pick).toSorted((one, other) => one - other);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
  };
  const total = (sample: Sample) => sample.totalMs;
  const kernel = (sample: Sample) => sample.kernelMs;
  return {
    present,
    command,
    p50Ms: at(total, 0.5),
    p99Ms: at(total, 0.99),
    kernelP50Ms: at(kernel, 0.5),
    kernelP99Ms: at(kernel, 0.99),
    ratioP50: at(total, 0.5) / at(kernel, 0.5),
  };
}

async function populate(client: NetloomClient, count: number): Promise<void> {
  const batch = 20;
  for (let index = 0; index < count; index += batch)
    await Promise.all(Array.from({ length: batch }, (_, offset) => client.container.setup(request(index + offset))));
}

async function clear(client: NetloomClient): Promise<void> {
  const { containers } = await client.container.list();
  await Promise.all(containers.map(({ id }) => client.container.remove({ id }, { timeoutMs: 120_000 })));
  await client.network.remove({ name: network });
}

function print(rows: readonly Row[]): void {
  console.log(`netloom bench: ${rounds} rounds each, one client, kernel ${release()}, Node ${process.versions.node}\n`);
  console.log(
    '| containers present | command | p50 ms | p99 ms | kernel steps p50 ms | kernel steps p99 ms | p50 ÷ kernel p50 |',
  );
  console.log('| ---: | --- | ---: | ---: | ---: | ---: | ---: |');
  for (const { present, command, p50Ms, p99Ms, kernelP50Ms, kernelP99Ms, ratioP50 } of rows)
    console.log(
      `| ${present} | ${command} | ${p50Ms.toFixed(2)} | ${p99Ms.toFixed(2)} | ${kernelP50Ms.toFixed(2)} | ${kernelP99Ms.toFixed(2)} | ${ratioP50.toFixed(2)} |`,
    );
}

async function main(): Promise<void> {
  await promises.stat('/');
  await becomeFreshHost();
  const directory = temporaryDirectory();
  const daemon = new TestDaemon(directory.path, 'bench');
  try {
    const client = await daemon.start();
    await client.network.create({ name: network, subnets: [{ subnet: '10.66.0.0/16' }] });
    const rows: Row[] = [];
    for (const present of populations) {
      await populate(client, present);
      const first = Math.max(...populations);
      await measure(client, first, warmUp);
      await untilAnswered(async () => {
        if ((await client.info()).outbox > 0) throw new Error('the outbox still drains');
      });
      const { setup, teardown } = await measure(client, first, rounds);
      rows.push(row(present, 'container.setup', setup), row(present, 'container.teardown', teardown));
    }
    await clear(client);
    if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
    else print(rows);
    await client.close();
  } finally {
    await daemon.stop();
    directory.remove();
  }
}

await main();
