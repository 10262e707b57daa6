import { afterAll, describe, expect, it } from 'vitest';
import { onBoth } from './both.ts';
import type { Engine } from './host.ts';
import { missing } from './missing.ts';
import { triedNewer, unpacked } from './newer.ts';
import type { Outcome, Scenario } from './outcome.ts';
import { families, type NetworkFamily, portRows } from './port-rows.ts';
import { portTable } from './port-table.ts';
import { scenariosOfPorts } from './scenarios/all.ts';

// Every combination of port mappings and families of the network (port-rows.ts), on two hosts, one with podman's own engine and
// one on netloom. `npm run test:podman` tests all of them, with every podman, and prints the table; otherwise a few with this
// machine's.
const all = process.env.PODMAN_PORTS === 'all';
const triedFamilies = all ? (Object.keys(families) as NetworkFamily[]) : (['IPv4-only', 'dual-stack'] as const);
const rows = all ? portRows : portRows.filter(({ alone }) => !alone);
const podmans = [{ podman: '4.3' as const, name: null }, ...(all ? triedNewer : [])];

it('the table of published ports has at least 60 rows', () => {
  expect(portRows.length * Object.keys(families).length).toBeGreaterThanOrEqual(60);
});

describe.skipIf(missing()).each(podmans)('C03 ports that podman $podman publishes', (tried) => {
  const seen: Record<NetworkFamily, Partial<Record<Engine, Outcome>>> = {
    'IPv4-only': {},
    'IPv6-only': {},
    'dual-stack': {},
  };
  const scenarios = scenariosOfPorts(tried.podman, rows);
  const remembered = triedFamilies.map((family): Scenario => {
    const { run, ...scenario } = scenarios[family];
    return {
      ...scenario,
      async run(host) {
        const outcome = await run(host);
        seen[family][host.engine] = outcome;
        return outcome;
      },
    };
  });
  onBoth(remembered, tried.podman, tried.name === null ? null : () => unpacked(tried));
  afterAll(() => {
    if (all) console.log(portTable(tried.podman, seen));
  });
});
