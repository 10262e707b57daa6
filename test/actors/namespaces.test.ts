import { beforeEach, describe, expect, it } from 'vitest';
import { containerAddress } from '../../src/core/actor-address.ts';
import { demo, type House, onDemo, toContainer, toNetwork, web } from './house.ts';
import { housePerTest } from './house-per-test.ts';

/** Namespaces that netloom shares or uses, and did not make for the container: of another container, of a process, of an engine. */

const db = containerAddress('db');

let house: House;
housePerTest((next) => {
  house = next;
});

const statusOf = (output: unknown) => output as { netns: { path: string; inode: number }; status: unknown };

describe('B04 a container that shares the namespace of another', () => {
  beforeEach(async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    await house.ask(db, toContainer.setup(onDemo('db')));
  });

  it("B04 a container with a shared namespace has the owner's path, identity and addresses", async () => {
    const lender = statusOf((await house.ask(containerAddress('x'), toContainer.setup(onDemo('x')))).output);
    const { output, fault } = await house.ask(web, toContainer.setup({ id: 'web', mode: 'container:x' }));
    expect(fault).toBeUndefined();
    expect(statusOf(output)).toMatchObject({ netns: lender.netns, status: lender.status });
  });

  it('B04 a container with a shared namespace finds the owner through another container that shares it', async () => {
    await house.ask(web, toContainer.setup({ id: 'web', mode: 'container:db' }));
    const { output } = await house.ask(containerAddress('x'), toContainer.setup({ id: 'x', mode: 'container:web' }));
    expect(statusOf(output).netns.path).toBe('/netns/netloom-db');
  });

  it('B04 a container with a shared namespace leaves the namespace to its owner', async () => {
    await house.ask(web, toContainer.setup({ id: 'web', mode: 'container:db' }));
    await house.ask(web, toContainer.remove);
    expect(house.linux.pins.has('/netns/netloom-db')).toBe(true);
    expect(house.value(db)).toEqual({ up: { process: 'configured', wiring: 'settled' } });
  });

  it.each([
    ['nobody', 'there is no container nobody to share the network namespace of'],
    ['web2', 'container web2 has no network namespace to share'],
  ])(
    'B04 a container with a shared namespace is refused when there is no such namespace: %s',
    async (target, message) => {
      await house.ask(containerAddress('web2'), toContainer.create({ id: 'web2' }));
      const { fault } = await house.ask(web, toContainer.setup({ id: 'web', mode: `container:${target}` }));
      expect(fault).toEqual({ code: 'netns.gone', message });
    },
  );

  it('B04 a container with a shared namespace is refused with a clear error in a cycle with another container', async () => {
    await house.ask(web, toContainer.create({ id: 'web', mode: 'container:x' }));
    await house.ask(containerAddress('x'), toContainer.create({ id: 'x', mode: 'container:web' }));
    expect((await house.ask(web, toContainer.setupAgain)).fault).toMatchObject({ code: 'netns.gone' });
  });
});

describe('B03 a namespace that netloom did not make', () => {
  it("B03 a foreign namespace is used, and is returned unchanged without netloom's link", async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    const foreign = house.linux.newNetns();
    house.linux.pin('/run/netns/blue', foreign);
    await house.ask(web, toContainer.setup(onDemo('web', { mode: 'ns:/run/netns/blue' })));
    expect([...foreign.links.keys()]).toEqual(['lo', 'eth0']);
    expect((await house.ask(web, toContainer.remove)).fault).toBeUndefined();
    expect([...foreign.links.keys()]).toEqual(['lo']);
    expect(house.linux.pins.has('/run/netns/blue')).toBe(true);
    house.linux.unpin('/run/netns/blue');
  });

  it('B02 a foreign namespace of a process is pinned, and unpinned at the end', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    const { pid, netns } = house.linux.startProcess();
    await house.ask(web, toContainer.setup(onDemo('web', { pid })));
    expect(house.linux.pins.get('/netns/netloom-web')).toBe(netns);
    await house.ask(web, toContainer.remove);
    expect(house.linux.pins.size).toBe(0);
    expect([...netns.links.keys()]).toEqual(['lo']);
  });
});
