import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilAnswered } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';
import { SmallDisk } from '../support/small-disk.ts';

let lab: Lab;
let disk: SmallDisk;
const ids = Array.from({ length: 20 }, (_, index) => `web-${index}`);

beforeAll(async () => {
  disk = new SmallDisk('tmpfs', 24);
  lab = await Lab.open([], disk);
  await lab.client.network.create({ name: 'demo', subnets: [{ subnet: '10.85.0.0/24' }] });
  for (const id of ids) await lab.client.container.setup({ id, networks: [{ network: 'demo' }] });
});
afterAll(async () => {
  disk?.makeRoom();
  await lab?.close();
});

const setup = (id: string) => lab.client.container.setup({ id, networks: [{ network: 'demo' }] });

it('B02 a full run directory blocks new containers and networks, allows changes and teardowns, and heals when space returns', async () => {
  disk.fill();
  await untilAnswered(async () => expect((await lab.client.info()).storage.refused).toBe('run'));
  await expect(setup('more')).rejects.toMatchObject({ fault: { code: 'storage.full' } });
  await expect(lab.client.network.create({ name: 'other' })).rejects.toMatchObject({ fault: { code: 'storage.full' } });
  const { storage } = await lab.client.info();
  expect(storage).toMatchObject({ runFreeBytes: 0, refused: 'run' });
  expect(storage.reservedBytes).toBeGreaterThan(2 ** 20);
  for (const id of ids.slice(0, 10)) {
    await lab.client.container.disconnect({ id, network: 'demo' });
    await lab.client.container.remove({ id });
  }
  disk.makeRoom();
  await untilAnswered(async () => expect((await lab.client.info()).storage.refused).toBe(null));
  await setup('more');
  await lab.client.container.remove({ id: 'more' });
});

it('B02 a daemon killed on a full disk fails to start there with storage.full, and adopts all containers once there is room', async () => {
  disk.fill();
  await lab.end('kill');
  // the end of its processes frees what they had removed and still held open
  disk.fill();
  const started = await lab.daemon.start().catch((error: unknown) => error);
  expect(String(started)).toContain('storage.full');
  disk.makeRoom();
  await lab.start();
  const { containers } = await lab.client.container.list();
  expect(containers.map(({ id, state }) => `${id} ${state}`).sort()).toEqual(
    ids
      .slice(10)
      .map((id) => `${id} configured`)
      .sort(),
  );
});
