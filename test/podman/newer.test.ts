import { describe } from 'vitest';
import { onBoth } from './both.ts';
import { missing } from './missing.ts';
import { triedNewer, unpacked } from './newer.ts';
import { scenariosOfNewer } from './scenarios/all.ts';

// Later podmans send the same in another form: lists for maps, `update`, `create`, `--version`.
describe.skipIf(missing()).each(triedNewer)('podman $podman does the same on netloom', (newer) => {
  onBoth(scenariosOfNewer, newer.podman, () => unpacked(newer));
});
