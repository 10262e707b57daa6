import { describe, expect, it } from 'vitest';
import { onBoth } from './both.ts';
import { differences } from './differences.ts';
import { missing } from './missing.ts';
import { basics } from './scenarios/basics.ts';
import { changes } from './scenarios/changes.ts';
import { failures } from './scenarios/failures.ts';
import { networks } from './scenarios/networks.ts';
import { ports } from './scenarios/ports.ts';

// The podman of this machine, the same commands, on two hosts: one with its own engine, one on netloom.
describe.skipIf(missing())('podman does the same on netloom', () => {
  const seen = onBoth([...basics, ...changes, ...networks, ...ports, ...failures], 'here', null);

  it('and every difference that is listed is there', () => {
    const expected = differences.filter(({ sometimes, version }) => !sometimes && version === undefined);
    expect(expected.filter((one) => !seen.has(one))).toEqual([]);
  });
});
