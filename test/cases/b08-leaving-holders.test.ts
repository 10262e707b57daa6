import { afterAll, beforeAll, expect, it } from 'vitest';
import { Lab } from '../support/lab.ts';

/** A teardown is answered before the kernel has removed everything: the next claim of the same address or port waits for the rest. */

const rounds = 15;
const atOnce = 10;
const onWeb = (last: number) => [{ network: 'web', staticIps: [`10.88.0.${last}`] }];
const port = (hostPort: number) => [{ hostPort, containerPort: 80 }];

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
  await lab.client.network.create({ name: 'web', subnets: [{ subnet: '10.88.0.0/24' }] });
  await lab.client.network.create({ name: 'back', subnets: [{ subnet: '10.90.0.0/24' }] });
});
afterAll(() => lab.close());

const setUp = (id: string, last: number, hostPort: number) =>
  lab.client.container.setup({ id, networks: onWeb(last), ports: port(hostPort) });

/** Alternates two names in one place: each is set up as soon as the teardown of the other has been answered. */
async function alternate(name: string, last: number, hostPort: number, take: (id: string) => Promise<unknown>) {
  const [first, second] = [`${name}-1`, `${name}-2`] as const;
  await setUp(first, last, hostPort);
  for (let round = 0; round < rounds; round++) {
    await lab.client.container.teardown({ id: first });
    await take(second);
    await lab.client.container.teardown({ id: second });
    await setUp(first, last, hostPort);
  }
  for (const id of [first, second]) await lab.remove(id);
}

it('B08 a set-up that follows a teardown has its address and its port at once', async () => {
  await alternate('single', 9, 18_080, (id) => setUp(id, 9, 18_080));
});

it('B08 many set-ups at a time that follow teardowns have their addresses and ports at once', async () => {
  const places = Array.from({ length: atOnce }, (_, index) => index);
  await Promise.all(
    places.map((index) =>
      alternate(`many${index}`, 20 + index, 18_100 + index, (id) => setUp(id, 20 + index, 18_100 + index)),
    ),
  );
});

it('B08 a container that connects after a teardown has the address at once', async () => {
  await alternate('joining', 40, 18_200, async (id) => {
    await lab.client.container.setup({ id, networks: [{ network: 'back' }] });
    const [attachment] = onWeb(40);
    const { status } = await lab.client.container.connect({ id, ...(attachment as { network: string }) });
    expect(JSON.stringify(status)).toContain('10.88.0.40/24');
  });
});

it('B08 a container that publishes after a teardown has the port at once', async () => {
  await alternate('publishing', 50, 18_300, async (id) => {
    await lab.client.container.setup({ id, networks: [{ network: 'back' }] });
    const { ports } = await lab.client.container.publish({ id, ports: port(18_300) });
    expect(ports).toMatchObject([{ hostPort: 18_300 }]);
  });
});
