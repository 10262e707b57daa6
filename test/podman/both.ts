import { afterAll, afterEach, beforeAll, expect, it, type TestContext, vi } from 'vitest';
import { type Explained, listed, unseen } from './differences.ts';
import { PodmanHost, processesBelow } from './host.ts';
import { type Podman, rootOrReason } from './newer.ts';
import { deviations, normalised, type Outcome, type Scenario, unshown } from './outcome.ts';

// several hosts, daemons and engines share the processors of the machine
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const nothing = { links: [], namespaces: [], processes: [] };

/**
 * Runs each scenario on two hosts at the same time, one with podman's own engine, one with netloom. The outcomes must be equal
 * except for the listed differences, and those must occur. `root`: the directory of the podman under test, `null` for this
 * machine's; a podman that is not available is skipped, with the reason.
 */
export function onBoth(scenarios: readonly Scenario[], podman: Podman, root: (() => Promise<string>) | null): void {
  const seen: Explained[] = [];
  const compared: string[] = [];
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

  it.for(scenarios)('$title', async ({ title, probes, run }, context: TestContext) => {
    if (typeof hosts === 'string') return context.skip(hosts);
    const [its, ours] = (await bothOutcomes([run(hosts.netavark), run(hosts.netloom)])) as [Outcome, Outcome];
    if (process.env.PODMAN_OUTCOMES) console.log(title, JSON.stringify({ netavark: its, netloom: ours }, null, 1));
    const unlisted = deviations(its, ours).filter((deviation) => {
      const sighting = listed(title, podman, deviation);
      if (sighting) seen.push({ title, sighting });
      return !sighting;
    });
    compared.push(title);
    expect(unlisted).toEqual([]);
    expect(unshown(probes, ours)).toEqual({});
  });

  it('the run shows every listed difference', (context: TestContext) => {
    if (typeof hosts === 'string') return context.skip(hosts);
    expect(unseen(compared, podman, seen)).toEqual([]);
  });
}

/** Waits for both, also where one fails: the other one must not continue alone. */
async function bothOutcomes(outcomes: [Promise<Outcome>, Promise<Outcome>]): Promise<Outcome[]> {
  const settled = await Promise.allSettled(outcomes);
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return normalised(one.value);
  });
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
