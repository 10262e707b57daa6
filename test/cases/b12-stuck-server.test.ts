import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilAnswered } from '../support/daemon.ts';
import { Facts } from '../support/facts.ts';
import { Lab } from '../support/lab.ts';
import { SmallDisk } from '../support/small-disk.ts';

let lab: Lab;
let disk: SmallDisk;

beforeAll(async () => {
  disk = new SmallDisk('tmpfs', 8);
  lab = await Lab.open(['--state-dir', disk.path]);
  await lab.client.network.create({ name: 'demo', subnets: [{ subnet: '10.85.0.0/24' }] });
});
afterAll(async () => {
  disk?.makeRoom();
  await lab?.close();
  disk?.remove();
});

const life = async (id: string) => {
  await lab.client.container.setup({ id, networks: [{ network: 'demo' }] });
  await lab.client.container.remove({ id });
};
const replaced = (former: number | null) =>
  untilAnswered(async () => {
    const pid = lab.daemon.natsPid();
    if (pid === null || pid === former) throw new Error(`the nats-server is ${pid} still`);
    await lab.client.info({ timeoutMs: 500 });
  }, 60_000);
const isComplete = async (id: string) => {
  const facts = new Facts(lab.client);
  await facts.event(`container/${id} removed`);
  await facts.close();
  const numbers = facts.events.map(({ sequence }) => Number(sequence));
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
};

it('B12 a stopped nats-server process is replaced, and no event is lost', async () => {
  await life('before');
  const former = lab.daemon.natsPid() as number;
  process.kill(former, 'SIGSTOP');
  await replaced(former);
  await life('after');
  await isComplete('after');
});

it('B01 B12 a nats-server that met a full disk is replaced, commands continue, and the stream heals when space returns', async () => {
  const former = lab.daemon.natsPid() as number;
  disk.fill();
  // the daemon cannot hold back what another client makes the server write
  const { nc } = lab.client;
  nc.publish('netloom.v1.testnode.evt.container.somebody.said', 'x'.repeat(100_000));
  await replaced(former);
  await life('full');
  disk.makeRoom();
  await isComplete('full');
});

it('B12 SIGTERM ends the daemon beside a stopped nats-server process', async () => {
  process.kill(lab.daemon.natsPid() as number, 'SIGSTOP');
  await lab.facts.close();
  await lab.client.close();
  const begun = Date.now();
  expect(await lab.daemon.stop()).toBe(0);
  expect(Date.now() - begun).toBeLessThan(5_000);
  await lab.start();
});
