import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { netloom } from '../cli/netloom.ts';
import { Lab, refusal } from '../support/lab.ts';

/** A set-up that is sent again, by a caller that did not hear the answer. */

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
  await lab.client.network.create({ name: 'web' });
});
afterAll(() => lab.close());
afterEach(async () => {
  for (const { id } of (await lab.client.container.list()).containers) await lab.remove(id);
});

const wish = { id: 'shop', networks: [{ network: 'web' }], ports: [{ hostPort: 18_080, containerPort: 80 }] };

it('P09 answers a repeated set-up with the same status, also while the first one is under way', async () => {
  const [first, second] = await Promise.all([lab.client.container.setup(wish), lab.client.container.setup(wish)]);
  expect(second).toEqual(first);
  expect(await lab.client.container.setup(wish)).toEqual(first);
  expect(await lab.client.container.setup({ id: 'shop' })).toEqual(first);
});

it('P09 refuses a set-up by another wish, and says what is different', async () => {
  await lab.client.container.setup(wish);
  expect(await refusal(lab.client.container.setup({ ...wish, ports: [], labels: { app: 'blog' } }))).toMatchObject({
    code: 'container.state',
    message: expect.stringContaining('differs in: ports and labels'),
  });
  expect((await lab.client.container.inspect({ id: 'shop' })).container.ports).toHaveLength(1);
});

it('P09 answers the command line in the same way', async () => {
  const setUp = (...more: string[]) =>
    netloom(lab.daemon, ['container', 'setup', 'shop', '--network', 'web', '-p', '18080:80', ...more]);
  const first = await setUp();
  expect(await setUp()).toMatchObject({ exitCode: 0, stdout: first.stdout });
  const { exitCode, stderr } = await setUp('-p', '18081:81');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('differs in: ports');
});
