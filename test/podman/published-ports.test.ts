import { afterAll, describe, expect, it } from 'vitest';
import { onBoth } from './both.ts';
import type { Engine } from './host.ts';
import { missing } from './missing.ts';
import { newerOnes, unpacked } from './newer.ts';
import type { Outcome, Scenario } from './outcome.ts';
import { families, type NetworkFamily, portRows } from './port-rows.ts';
import { portTable } from './port-table.ts';
import { publishing } from './scenarios/published.ts';

// Every combination of port mappings and families of the network (port-rows.ts), on two hosts, one with podman's own engine and
// one on netloom. `npm run test:podman` tries all of them, with every podman, and prints the table; else a few with this
// machine's.
const all = process.env.PODMAN_PORTS === 'all';
const tried = all ? (Object.keys(families) as NetworkFamily[]) : (['IPv4-only', 'dual-stack'] as const);
const rows = all ? portRows : portRows.filter(({ alone }) => !alone);
const others = all ? newerOnes.filter(({ seldom }) => !seldom || process.env.PODMAN_NEWER === 'all') : [];

/** All but those that netavark 1.14 cannot take down again. */
const rowsOn = (family: NetworkFamily, podman: string) =>
  podman === 'trixie' && family !== 'IPv4-only' ? rows.filter(({ stuck }) => !stuck) : rows;

it('has at least 60 rows', () => {
  expect(portRows.length * Object.keys(families).length).toBeGreaterThanOrEqual(60);
});

describe.skipIf(missing()).each([{ name: 'here' }, ...others])('C03 ports that podman ($name) publishes', (podman) => {
  const seen: Record<NetworkFamily, Partial<Record<Engine, Outcome>>> = {
    'IPv4-only': {},
    'IPv6-only': {},
    'dual-stack': {},
  };
  const scenarios = tried.map((family): Scenario => {
    const { title, run } = publishing(family, rowsOn(family, podman.name));
    return {
      title,
      async run(host) {
        const outcome = await run(host);
        seen[family][host.engine] = outcome;
        return outcome;
      },
    };
  });
  onBoth(scenarios, podman.name, podman.name === 'here' ? null : () => unpacked(podman));
  afterAll(() => {
    if (all) console.log(portTable(podman.name, seen));
  });
});
