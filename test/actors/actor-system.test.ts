import { beforeEach, describe, expect, it } from 'vitest';
import { containerAddress, hostAddress, networkAddress } from '../../src/core/actor-address.ts';
import { demo, type House, onDemo, port8080, toContainer, toNetwork, web } from './house.ts';
import { expectBare, housePerTest } from './house-per-test.ts';
import { disorder } from './order.ts';

const db = containerAddress('db');

let house: House;
housePerTest((next) => {
  house = next;
});

const leases = () => house.context(demo)?.leases;
const ports = () => Object.keys(house.context(hostAddress)?.ports ?? {});

describe('many containers', () => {
  it('containers are set up and taken down at once, each with an address of its own', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    const ids = Array.from({ length: 100 }, (_, index) => `c${index}`);
    const commands = ids.map((id, index) => {
      const published = { ports: [{ hostPort: 10_000 + index, containerPort: 80 }] };
      return house.say(containerAddress(id), toContainer.setup(onDemo(id, published)));
    });
    await house.settle();
    expect(commands.map((command) => house.answers.get(command)?.[0]?.fault)).toEqual(ids.map(() => undefined));
    expect(new Set(Object.values(leases() ?? {}).flat()).size).toBe(100);
    expect(disorder(house)).toEqual([]);
    for (const id of ids) house.say(containerAddress(id), toContainer.remove);
    await house.settle();
    await house.ask(demo, toNetwork.remove);
    expectBare(house);
    expect(house.journal.actors().map(({ address }) => address)).toEqual(['host']);
  });

  it('A09 containers that publish the same port: one gets it, and the other gets a fault that names the holder', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    await house.ask(web, toContainer.setup(onDemo('web', port8080)));
    const { fault } = await house.ask(db, toContainer.setup(onDemo('db', port8080)));
    expect(fault).toMatchObject({ code: 'port.taken', message: '8080->80/tcp: container web publishes 8080->80/tcp' });
    expect(Object.keys(leases() ?? {})).toEqual(['web']);
    expect(ports()).toEqual(['web']);
  });
});

describe('a set-up that fails', () => {
  beforeEach(async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
  });

  it('B07 a set-up that fails undoes a half-built namespace and releases its claims', async () => {
    house.kernels[0]?.failWhen(({ verb }) => verb === 'route.add', 'EPERM');
    const { fault } = await house.ask(web, toContainer.setup(onDemo('web', port8080)));
    expect(fault).toMatchObject({ code: 'kernel.refused', errno: 'EPERM', leftBehind: [] });
    expect(fault?.undone).toEqual([
      expect.stringMatching(/^address\.add /),
      expect.stringMatching(/^link\.veth /),
      expect.stringMatching(/^nft\.add published_any4 /),
      expect.stringMatching(/^netns\.create /),
    ]);
    expect(house.value(web)).toBe('failed');
    expect([leases(), ports()]).toEqual([{}, []]);
    expect(house.facts(web)).toEqual(['created', 'failed']);
  });

  it('B07 a set-up that fails keeps its claims until an undo that failed is completed', async () => {
    const kernel = house.kernels[0];
    kernel?.failWhen(({ verb }) => verb === 'route.add' || verb === 'netns.remove', 'EBUSY');
    const { fault } = await house.ask(web, toContainer.setup(onDemo('web', port8080)));
    expect(fault?.leftBehind).toEqual([expect.objectContaining({ step: 'netns.create /netns/netloom-web' })]);
    expect([Object.keys(leases() ?? {}), ports()]).toEqual([['web'], ['web']]);
    kernel?.failNoMore();
    expect((await house.ask(web, toContainer.remove)).fault).toBeUndefined();
    expect([leases(), ports()]).toEqual([{}, []]);
    expect(house.value(web)).toBeUndefined();
  });

  it('B07 a set-up that fails is cleaned up, with what it left behind, before the next wish is built', async () => {
    const kernel = house.kernels[0];
    await house.ask(networkAddress('back'), toNetwork.create({ name: 'back', subnets: [{ subnet: '10.90.0.0/24' }] }));
    kernel?.failWhen(({ verb }) => verb === 'route.add' || verb === 'netns.remove', 'EBUSY');
    await house.ask(web, toContainer.setup(onDemo('web', port8080)));
    kernel?.failNoMore();
    const { fault } = await house.ask(web, toContainer.setup({ id: 'web', networks: [{ network: 'back' }] }));
    expect(fault).toBeUndefined();
    expect([leases(), ports()]).toEqual([{}, []]);
  });

  it('a set-up whose plan cannot even be tried is a fault like others, and is cleaned up', async () => {
    house.kernels[0]?.throwWhen(({ verb }) => verb === 'route.add');
    const { fault } = await house.ask(web, toContainer.setup(onDemo('web')));
    expect(fault).toMatchObject({ code: 'internal.unexpected', leftBehind: [{ step: 'setup' }] });
    expect(Object.keys(leases() ?? {})).toEqual(['web']);
    house.kernels[0]?.failNoMore();
    expect((await house.ask(web, toContainer.remove)).fault).toBeUndefined();
    expect(leases()).toEqual({});
  });
});

describe('B08 a teardown', () => {
  beforeEach(async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    await house.ask(web, toContainer.setup(onDemo('web', port8080)));
  });

  it('B08 a teardown succeeds a second time, and reports that there was nothing to do', async () => {
    expect((await house.ask(web, toContainer.teardown)).output).toMatchObject({ id: 'web', nothingToDo: false });
    expect((await house.ask(web, toContainer.teardown)).output).toMatchObject({ id: 'web', nothingToDo: true });
  });

  it('B08 a teardown removes the rest of a half-removed namespace', async () => {
    house.linux.unpin('/netns/netloom-web');
    for (const key of house.linux.elements?.keys() ?? [])
      if (key.startsWith('published')) house.linux.elements?.delete(key);
    await house.ask(web, toContainer.teardown);
    expect([leases(), ports()]).toEqual([{}, []]);
  });

  it('B08 a teardown is answered before the kernel has removed the link; a set-up that asks for its address waits until then', async () => {
    house.linux.unregisterMs = 50;
    const command = house.say(web, toContainer.teardown);
    for (let round = 0; round < 100 && !house.answers.has(command); round++)
      await new Promise((resolve) => setImmediate(resolve));
    expect(house.answers.get(command)).toHaveLength(1);
    expect(house.value(web)).toBe('unlinking');
    const address = leases()?.web;
    expect(address).toBeDefined();
    house.say(db, toContainer.setup({ id: 'db', networks: [{ network: 'demo', staticIps: [...(address ?? [])] }] }));
    for (let round = 0; round < 100 && house.value(db) !== 'claiming'; round++)
      await new Promise((resolve) => setImmediate(resolve));
    expect([house.value(web), house.value(db), leases()]).toEqual(['unlinking', 'claiming', { web: address }]);
    await house.settle();
    expect(house.facts(web).at(-1)).toBe('torn-down');
    expect(house.facts(db)).toEqual(['created', 'netns-ready', 'configured']);
    expect(leases()).toEqual({ db: address });
  });

  it('B08 a teardown reports what is left when it fails, keeps the claims, and works when repeated', async () => {
    house.kernels[0]?.failWhen(({ verb }) => verb === 'nft.delete', 'EBUSY');
    const { fault } = await house.ask(web, toContainer.teardown);
    expect(fault?.leftBehind).toHaveLength(1);
    expect(Object.keys(leases() ?? {})).toEqual(['web']);
    house.kernels[0]?.failNoMore();
    expect((await house.ask(web, toContainer.teardown)).output).toMatchObject({ nothingToDo: false });
  });

  it('B08 a teardown does not overtake the verification that a start began', async () => {
    house.tell(web, { type: 'actor.recovered', rebooted: false });
    expect((await house.ask(web, toContainer.teardown)).fault).toBeUndefined();
    expect(house.facts(web).slice(3)).toEqual(['adopted', 'tearing-down', 'torn-down']);
  });
});

describe('commands that come while another is under way', () => {
  it('waiting commands are carried out in order, also after a removal: the last one makes the container anew', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    const commands = [
      house.say(web, toContainer.setup(onDemo('web', port8080))),
      house.say(web, toContainer.teardown),
      house.say(web, toContainer.remove),
      house.say(web, toContainer.setup(onDemo('web', port8080))),
      house.say(web, toContainer.teardown),
      house.say(web, toContainer.setupAgain),
    ];
    await house.settle();
    for (const command of commands) expect(house.journal.replyTo(command)?.fault).toBeUndefined();
    expect(
      house.facts(web).filter((fact) => fact === 'created' || fact === 'configured' || fact === 'removed'),
    ).toEqual([...['created', 'configured', 'removed'], ...['created', 'configured', 'configured']]);
  });
});

describe('a repeated or invalid command', () => {
  it('a repeated or invalid command is carried out once and gets its first reply', async () => {
    await house.start();
    const command = house.say(web, toContainer.create({ id: 'web' }), 'kept twice');
    await house.settle();
    house.say(web, toContainer.create({ id: 'web' }), 'kept twice');
    await house.crash();
    await house.start();
    house.say(web, toContainer.create({ id: 'web' }), 'kept twice');
    await house.settle();
    expect(house.answers.get(command)).toEqual([{ command, ...house.journal.replyTo(command) }]);
    expect(house.journal.replyTo(command)).toMatchObject({ output: { id: 'web' } });
  });

  it('a repeated or invalid command gets a fault when no machine can process it, and is not processed again', async () => {
    await house.start();
    const command = house.say(demo, { type: 'network.create', wish: null });
    await house.settle();
    expect(house.unexpected.splice(0)).toEqual([
      expect.stringMatching(/^network\/demo network.create: Error: the wish is missing/),
    ]);
    expect(house.journal.replyTo(command)).toMatchObject({ fault: { code: 'internal.unexpected' } });
    expect(house.answers.get(command)).toEqual([{ command, ...house.journal.replyTo(command) }]);
    expect(house.journal.inboxAddresses()).toEqual([]);
  });
});
