import { describe, expect, it } from 'vitest';
import { onBoth } from './both.ts';
import { type Difference, differences } from './differences.ts';
import { missing } from './missing.ts';
import { basics } from './scenarios/basics.ts';
import { changes } from './scenarios/changes.ts';
import { failures } from './scenarios/failures.ts';
import { networks } from './scenarios/networks.ts';
import { ports } from './scenarios/ports.ts';

// The podman of this machine, the same commands, on two hosts: one with its own engine, one on netloom.
describe.skipIf(missing())('podman does the same on netloom', () => {
  const scenarios = [...basics, ...changes, ...networks, ...ports, ...failures];
  const titles = ['*', ...scenarios.map(({ title }) => title)];
  const seen = onBoth(scenarios, 'here', null);

  it('and every difference that is listed is there', () => {
    const isExpected = ({ scenario, sometimes, version }: Difference) =>
      titles.includes(scenario) && !sometimes && version === undefined;
    const expected = differences.filter(isExpected);
    expect(expected.filter((one) => !seen.has(one))).toEqual([]);
  });
});
