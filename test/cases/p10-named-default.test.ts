import { afterAll, beforeAll, expect, it } from 'vitest';
import { netloom } from '../cli/netloom.ts';
import { Lab } from '../support/lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open(['--default-network', 'lan']);
});
afterAll(() => lab.close());

it("P10 the default network has the name from the daemon's options", async () => {
  await lab.client.container.setup({ id: 'c1', mode: 'bridge' });
  expect(await netloom(lab.daemon, ['run', '--network', 'bridge', '--', 'true'])).toMatchObject({ exitCode: 0 });
  expect((await lab.client.network.list()).networks).toMatchObject([
    {
      name: 'lan',
      id: '2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9',
      network_interface: 'podman0',
    },
  ]);
});
