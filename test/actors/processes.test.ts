import { beforeEach, describe, expect, it } from 'vitest';
import { demo, type House, onDemo, toContainer, toNetwork, web } from './house.ts';
import { housePerTest } from './house-per-test.ts';

/** The process in the network of a container. */

let house: House;
housePerTest((next) => {
  house = next;
});

const leases = () => house.context(demo)?.leases;

describe('the process of a container', () => {
  beforeEach(async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
  });

  it('the process of a container is reported when it ends; the network stays for another process', async () => {
    await house.ask(web, toContainer.setup(onDemo('web')));
    for (const _ of [1, 2]) {
      const { pid } = house.linux.startProcess();
      expect((await house.ask(web, toContainer.started(pid))).fault).toBeUndefined();
      house.linux.endProcess(pid);
      await house.settle();
    }
    expect(house.facts(web).slice(3)).toEqual(['running', 'exited', 'running', 'exited']);
    expect(house.value(web)).toEqual({ up: { process: 'exited', wiring: 'settled' } });
  });

  it('the process of a container ends the network too with removeOnExit', async () => {
    await house.ask(web, toContainer.setup(onDemo('web', { removeOnExit: true })));
    const { pid } = house.linux.startProcess();
    await house.ask(web, toContainer.started(pid));
    house.linux.endProcess(pid);
    await house.settle();
    expect(house.facts(web).slice(3)).toEqual(['running', 'exited', 'tearing-down', 'torn-down', 'removed']);
    expect(house.value(web)).toBeUndefined();
  });

  it('the process of a container counts as ended when it is gone before it can be watched', async () => {
    await house.ask(web, toContainer.setup(onDemo('web')));
    await house.ask(web, toContainer.started(4711));
    expect(house.value(web)).toEqual({ up: { process: 'exited', wiring: 'settled' } });
  });

  it('the process of a container is noticed by the next daemon when it ends while none runs', async () => {
    await house.ask(web, toContainer.setup(onDemo('web', { removeOnExit: true })));
    const { pid } = house.linux.startProcess();
    await house.ask(web, toContainer.started(pid));
    await house.crash();
    house.linux.endProcess(pid);
    await house.start();
    await house.settle();
    expect(house.value(web)).toBeUndefined();
    expect(leases()).toEqual({});
  });

  it('the process of a container is still watched when it lives through a restart of the daemon', async () => {
    await house.ask(web, toContainer.setup(onDemo('web')));
    const { pid } = house.linux.startProcess();
    await house.ask(web, toContainer.started(pid));
    await house.stop();
    await house.start();
    await house.settle();
    expect(house.value(web)).toEqual({ up: { process: 'running', wiring: 'settled' } });
    house.linux.endProcess(pid);
    await house.settle();
    expect(house.value(web)).toEqual({ up: { process: 'exited', wiring: 'settled' } });
    expect(house.context(web)?.process?.pid).toBe(pid);
  });
});
