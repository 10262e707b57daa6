import { beforeEach, describe, expect, it } from 'vitest';
import { containerAddress, networkAddress, workerOf } from '../../src/core/actor-address.ts';
import { type House, toContainer, toNetwork } from './house.ts';
import { housePerTest } from './house-per-test.ts';
import { disorder } from './order.ts';

const workers = 3;
const ids = Array.from({ length: 30 }, (_, index) => `c${index}`);
const networks = ['red', 'green', 'blue'];

let house: House;
housePerTest((next) => {
  house = next;
});
beforeEach(async () => {
  await house.start({ workers });
  for (const [index, name] of networks.entries())
    await house.ask(
      networkAddress(name),
      toNetwork.create({ name, subnets: [{ subnet: `10.${100 + index}.0.0/24` }] }),
    );
});

const setUpAll = () =>
  ids.map((id, index) =>
    house.say(
      containerAddress(id),
      toContainer.setup({
        id,
        networks: networks.map((network) => ({ network })),
        ports: [{ hostPort: 10_000 + index, containerPort: 80 }],
      }),
    ),
  );

describe('actors on several workers', () => {
  it('actors on several workers live only on the worker that their address determines', () => {
    expect(new Set(ids.map((id) => workerOf(containerAddress(id), workers)))).toEqual(new Set([0, 1, 2]));
  });

  it("actors on several workers get each other's messages once, and in order per pair", async () => {
    setUpAll();
    await house.settle();
    for (const id of ids) house.say(containerAddress(id), toContainer.remove);
    await house.settle();
    expect(house.post.sent.size).toBeGreaterThan(ids.length * 8);
    expect(disorder(house)).toEqual([]);
    expect(house.journal.actorsOf('container')).toEqual([]);
  });

  it('actors on several workers continue when one worker after another ends in the middle of its work', async () => {
    const commands = setUpAll();
    for (const index of [0, 1, 2, 0]) {
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      await house.replaceWorker(index);
    }
    await house.settle();
    for (const command of commands) expect(house.journal.replyTo(command)).toMatchObject({ output: { ports: [{}] } });
    expect(house.facts().filter((fact) => fact.endsWith(' configured'))).toHaveLength(ids.length + networks.length);
  });

  it('B04 actors on several workers share a namespace across workers', async () => {
    await house.ask(containerAddress('c0'), toContainer.setup({ id: 'c0', networks: [{ network: 'red' }] }));
    const guests = ids.slice(1, 10);
    for (const id of guests) house.say(containerAddress(id), toContainer.setup({ id, mode: 'container:c0' }));
    await house.settle();
    for (const id of guests)
      expect(house.context(containerAddress(id))).toMatchObject({ share: { path: '/netns/netloom-c0' } });
  });
});
