import { connect, type NetloomClient } from '../../src/client.ts';
import { containerAt, subnet } from '../peers/container.ts';
import { NetloomSite } from '../peers/netloom.ts';

export interface Throughput {
  clients: number;
  /** containers set up and taken down again, each second */
  perSecond: number;
}

export interface ThroughputPlan {
  clients: readonly number[];
  /** containers that come and go, for each number of clients */
  containers: number;
}

const network = 'bench';

/** Several clients at once, each with its own connection, one container after another. */
export async function measureThroughput({ clients, containers }: ThroughputPlan): Promise<Throughput[]> {
  const site = await NetloomSite.open();
  await site.client.network.create({ name: network, subnets: [{ subnet }], dns_enabled: false });
  await churn([site.client], containers / 2);
  const results: Throughput[] = [];
  for (const count of clients) {
    const connected = await Promise.all(Array.from({ length: count }, () => connectTo(site)));
    await site.settle();
    const startedMs = performance.now();
    await churn(connected, containers);
    results.push({ clients: count, perSecond: (containers * 1_000) / (performance.now() - startedMs) });
    await Promise.all(connected.map((client) => client.close()));
  }
  return results;
}

function connectTo({ daemon }: NetloomSite): Promise<NetloomClient> {
  return connect({ runDir: daemon.runDirectory, node: daemon.node });
}

/** Over when the last container is forgotten; no client waits for that before its next one. */
async function churn(clients: readonly NetloomClient[], containers: number): Promise<void> {
  const forgotten: Promise<unknown>[] = [];
  let next = 0;
  const work = async (client: NetloomClient) => {
    while (next < containers) {
      const { name: id, ports } = containerAt(next++);
      await client.container.setup({ id, networks: [{ network }], ports });
      await client.container.teardown({ id });
      forgotten.push(client.container.remove({ id }));
    }
  };
  await Promise.all(clients.map(work));
  await Promise.all(forgotten);
}
