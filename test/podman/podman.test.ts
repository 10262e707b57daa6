import { describe } from 'vitest';
import { onBoth } from './both.ts';
import { missing } from './missing.ts';
import { scenariosHere } from './scenarios/all.ts';

// The podman of this machine, the same commands, on two hosts: one with its own engine, one on netloom.
describe.skipIf(missing())('podman does the same on netloom', () => {
  onBoth(scenariosHere, '4.3', null);
});
