import { afterAll, afterEach, beforeAll, expect, it, type TestContext, vi } from 'vitest';
import { type Difference, listed } from './differences.ts';
import { PodmanHost, processesBelow } from './host.ts';
import { rootOrReason } from './newer.ts';
import { deviations, normalised, type Scenario } from './outcome.ts';

// several hosts, daemons and engines on however many processors there are
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const nothing = { links: [], namespaces: [], processes: [] };

/**
 * Each scenario on two hosts at the same time, one with podman's own engine, one with netloom; what came of it must be the
 * same but for the differences that are listed. `root`: where the podman is that is to be tried, `null` for this
 * machine's; one that cannot be had is passed over, and said. Answers the differences that were seen.
 */
export function onBoth(scenarios: Scenario[], version: string, root: (() => Promise<string>) | null): Set<Difference> {
  const seen = new Set<Difference>();
  let hosts: { netavark: PodmanHost; netloom: PodmanHost } | string = 'not opened';

  beforeAll(async () => {
    const path = await rootOrReason(root);
    if ('reason' in path) {
      hosts = path.reason;
      return;
    }
    const [netavark, netloom] = await Promise.all([
      PodmanHost.open('netavark', path.root),
      PodmanHost.open('netloom', path.root),
    ]);
    hosts = { netavark, netloom };
  });
  afterEach(async () => {
    if (typeof hosts === 'string') return;
    expect(await Promise.all([hosts.netavark, hosts.netloom].map(cleared))).toEqual([nothing, nothing]);
  });
  afterAll(async () => {
    if (typeof hosts === 'string') return;
    const both = [hosts.netavark, hosts.netloom];
    await Promise.all(both.map((host) => host.close()));
    expect(both.flatMap((host) => processesBelow(host.rootfs))).toEqual([]);
  });

  it.for(scenarios)('$title', async ({ title, run }, context: TestContext) => {
    if (typeof hosts === 'string') return context.skip(hosts);
    const [its, ours] = await Promise.all(
      [hosts.netavark, hosts.netloom].map(async (host) => normalised(await run(host))),
    );
    if (process.env.PODMAN_OUTCOMES) console.log(title, JSON.stringify({ netavark: its, netloom: ours }, null, 1));
    const unlisted = deviations(its, ours).filter((deviation) => {
      const known = listed(title, version, deviation);
      if (known) seen.add(known);
      return !known;
    });
    expect(unlisted).toEqual([]);
  });
  return seen;
}

async function cleared(host: PodmanHost): Promise<unknown> {
  await host.clear();
  await host.settled();
  const deadline = Date.now() + 5_000;
  for (;;) {
    const remains = await host.remains();
    if (JSON.stringify(remains) === JSON.stringify(nothing) || Date.now() > deadline) return remains;
  }
}
