import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Difference, differences, listed } from './differences.ts';
import { PodmanHost, processesBelow } from './host.ts';
import { missing } from './missing.ts';
import { deviations, normalised, type Scenario } from './outcome.ts';
import { basics } from './scenarios/basics.ts';
import { changes } from './scenarios/changes.ts';
import { failures } from './scenarios/failures.ts';
import { networks } from './scenarios/networks.ts';
import { ports } from './scenarios/ports.ts';

// The same podman, the same commands, on two hosts: one with its own engine, one on netloom.
const scenarios: Scenario[] = [...basics, ...changes, ...networks, ...ports, ...failures];

describe.skipIf(missing())('podman does the same on netloom', () => {
  let netavark: PodmanHost;
  let netloom: PodmanHost;
  const seen = new Set<Difference>();

  beforeAll(async () => {
    [netavark, netloom] = await Promise.all([PodmanHost.open('netavark'), PodmanHost.open('netloom')]);
  });
  afterEach(async () => {
    const left = await Promise.all([netavark, netloom].map(cleared));
    expect(left).toEqual([nothing, nothing]);
  });
  afterAll(async () => {
    await Promise.all([netavark.close(), netloom.close()]);
    expect([netavark, netloom].flatMap((host) => processesBelow(host.rootfs))).toEqual([]);
  });

  it.each(scenarios)('$title', async ({ title, run }) => {
    const [its, ours] = await Promise.all([netavark, netloom].map(async (host) => normalised(await run(host))));
    if (process.env.PODMAN_OUTCOMES) console.log(title, JSON.stringify({ netavark: its, netloom: ours }, null, 1));
    const unlisted = deviations(its, ours).filter((deviation) => {
      const known = listed(title, deviation);
      if (known) seen.add(known);
      return !known;
    });
    expect(unlisted).toEqual([]);
  });

  it('and every difference that is listed is there', () => {
    expect(differences.filter((one) => !one.sometimes && !seen.has(one))).toEqual([]);
  });
});

const nothing = { links: [], namespaces: [], processes: [] };

async function cleared(host: PodmanHost): Promise<unknown> {
  await host.clear();
  await host.settled();
  const deadline = Date.now() + 5_000;
  for (;;) {
    const remains = await host.remains();
    if (JSON.stringify(remains) === JSON.stringify(nothing) || Date.now() > deadline) return remains;
  }
}
