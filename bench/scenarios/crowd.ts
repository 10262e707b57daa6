import { setTimeout as delay } from 'node:timers/promises';
import { containerAt } from '../peers/container.ts';
import { NetloomSite } from '../peers/netloom.ts';
import { cpuSeconds, residentMiB } from '../process-usage.ts';

export interface Crowd {
  containers: number;
  networks: number;
  up: Phase;
  /** of the daemon, when the last of them is up, and at rest */
  residentMiB: number;
  restingMiB: number;
  /** of its nats-server */
  natsResidentMiB: number;
  idle: Phase;
  restarts: Restart[];
  down: Phase;
}

export interface Phase {
  seconds: number;
  /** seconds of processor time */
  daemonCpuSeconds: number;
  natsCpuSeconds: number;
}

export interface Restart {
  how: 'stop' | 'kill';
  /** from the start of the process to its first answer */
  servingAfterMs: number;
  /** until no work is under way: every container was checked */
  settledAfterMs: number;
}

export interface CrowdPlan {
  containers: number;
  idleSeconds: number;
}

const networks = ['north', 'east', 'south', 'west'];
const clientsAtOnce = 8;

/** Many containers over four networks: up, at rest, through restarts of the daemon, and down again. */
export async function measureCrowd({ containers, idleSeconds }: CrowdPlan): Promise<Crowd> {
  const site = await NetloomSite.open();
  for (const [index, name] of networks.entries())
    await site.client.network.create({ name, subnets: [{ subnet: `10.${70 + index}.0.0/16` }] });
  const up = await phase(site, () =>
    forEachContainer(containers, async (index) => {
      const { name: id, ports } = containerAt(index);
      await site.client.container.setup({ id, networks: [{ network: networks[index % 4] as string }], ports });
    }),
  );
  await site.settle();
  const memory = await processIds(site);
  const sizes = { residentMiB: residentMiB(memory.daemon), natsResidentMiB: residentMiB(memory.nats) };
  const idle = await phase(site, () => delay(idleSeconds * 1_000));
  const restingMiB = residentMiB(memory.daemon);
  const restarts = [await restart(site, 'stop'), await restart(site, 'kill')];
  const down = await phase(site, () =>
    forEachContainer(containers, async (index) => {
      const { name: id } = containerAt(index);
      await site.client.container.teardown({ id });
      await site.client.container.remove({ id });
    }),
  );
  return { containers, networks: networks.length, up, ...sizes, restingMiB, idle, restarts, down };
}

async function forEachContainer(containers: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const client = async () => {
    while (next < containers) await work(next++);
  };
  await Promise.all(Array.from({ length: clientsAtOnce }, client));
}

async function phase(site: NetloomSite, work: () => Promise<unknown>): Promise<Phase> {
  const { daemon, nats } = await processIds(site);
  const before = { ms: performance.now(), daemon: cpuSeconds(daemon), nats: cpuSeconds(nats) };
  await work();
  return {
    seconds: (performance.now() - before.ms) / 1_000,
    daemonCpuSeconds: cpuSeconds(daemon) - before.daemon,
    natsCpuSeconds: cpuSeconds(nats) - before.nats,
  };
}

async function processIds({ client, daemon }: NetloomSite): Promise<{ daemon: number; nats: number }> {
  return { daemon: (await client.info()).pid, nats: daemon.natsPid() as number };
}

async function restart(site: NetloomSite, how: 'stop' | 'kill'): Promise<Restart> {
  const startedMs = await site.restart(how);
  const servingAfterMs = performance.now() - startedMs;
  await site.settle();
  await untilIdle(site);
  return { how, servingAfterMs, settledAfterMs: performance.now() - startedMs };
}

/** Waits until the daemon has used next to no processor time for a moment. */
async function untilIdle(site: NetloomSite): Promise<void> {
  const { daemon } = await processIds(site);
  for (let before = cpuSeconds(daemon); ; ) {
    await delay(200);
    const now = cpuSeconds(daemon);
    if (now - before <= 0.02) return;
    before = now;
  }
}
