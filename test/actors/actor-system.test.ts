import { beforeEach, describe, expect, it } from 'vitest';
import type { HostContext } from '../../machines/host/chart.ts';
import { networkState } from '../../machines/network/view.ts';
import { containerAddress, hostAddress, networkAddress } from '../../src/core/actor-address.ts';
import { describeElement } from '../../src/core/firewall/nft.ts';
import { guardElements } from '../../src/core/forwarding.ts';
import { demo, House, toContainer, toNetwork, web } from './house.ts';
import { housePerTest } from './house-per-test.ts';
import { disorder } from './order.ts';

const onDemo = (id: string, more: object = {}) => ({ id, networks: [{ network: 'demo' }], ...more });
const port8080 = { ports: [{ hostPort: 8080, containerPort: 80 }] };
const db = containerAddress('db');

let house: House;
housePerTest((next) => {
  house = next;
});

const leases = () => house.context(demo)?.leases;
const ports = () => Object.keys(house.context(hostAddress)?.ports ?? {});
const statusOf = (output: unknown) => output as { netns: { path: string; inode: number }; status: unknown };

/** Nothing of containers and networks is left; the separation of foreign links stays with IPv4 forwarding. */
const expectBare = () => {
  expect([...house.linux.pins.keys()]).toEqual([]);
  expect([...house.linux.host.links.keys()]).toEqual(['lo']);
  const elements = [...(house.linux.elements?.keys() ?? [])];
  const { forwarding, forwardForeign } = house.context(hostAddress) as HostContext;
  expect(elements).toEqual(guardElements(forwarding, forwardForeign).map(describeElement));
  expect([...house.linux.ports]).toEqual([]);
};

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
    expectBare();
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

describe('a restart of the daemon', () => {
  it('a restart of the daemon adopts what lives and announces that', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    await house.ask(web, toContainer.setup(onDemo('web', port8080)));
    const before = house.context(web);
    await house.crash();
    expect(house.linux.ports.size).toBe(0);
    await house.start();
    await house.settle();
    expect(house.context(web)).toEqual(before);
    expect(house.facts().slice(-3)).toEqual(['host serving', 'network/demo adopted', 'container/web adopted']);
    expect(house.linux.ports.size).toBe(2);
  });

  it('a restart of the daemon restores what is missing', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    await house.ask(web, toContainer.setup(onDemo('web', port8080)));
    await house.crash();
    house.linux.elements = null;
    house.linux.pins.get('/netns/netloom-web')?.links.get('eth0')?.addresses.splice(0);
    await house.start();
    await house.settle();
    expect(house.facts(web).slice(-3)).toEqual(['adopted', 'drift-detected', 'drift-healed']);
  });

  it('a restart of the daemon announces the loss of a namespace that is gone, and releases everything', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    await house.ask(web, toContainer.setup(onDemo('web', port8080)));
    await house.crash();
    house.linux.unpin('/netns/netloom-web');
    await house.start();
    await house.settle();
    expect(house.facts(web).slice(3)).toEqual(['lost', 'tearing-down', 'torn-down']);
    expect([house.value(web), leases(), ports()]).toEqual(['created', {}, []]);
  });

  it('a restart of the daemon reports a port that was taken; the container lives on', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    await house.ask(web, toContainer.setup(onDemo('web', port8080)));
    await house.crash();
    const thief = {};
    house.linux.bind({ holder: thief, protocol: 'tcp', address: '0.0.0.0', port: 8080 });
    await house.start();
    await house.settle();
    expect(house.facts(hostAddress)).toEqual(['serving', 'forwarding-on', 'port-lost', 'serving']);
    expect(house.value(web)).toEqual({ up: { process: 'configured', wiring: 'settled' } });
    house.linux.releaseAll(thief);
    await house.stop();
    await house.start();
    await house.settle();
  });

  it('a restart of the daemon reports a bridge that cannot be verified, and removes nothing', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    await house.ask(web, toContainer.setup(onDemo('web')));
    await house.stop();
    await house.start({ refusing: ({ verb }) => verb === 'link.bridge' });
    await house.settle();
    expect(house.facts(demo).at(-1)).toBe('degraded');
    expect(house.facts(web).at(-1)).toBe('adopted');
  });
});

describe('a reboot of the host', () => {
  it('a reboot of the host marks every container network as created again: losses are announced, leases and ports are free', async () => {
    await house.start();
    await house.ask(demo, toNetwork.create());
    await house.ask(web, toContainer.setup(onDemo('web', port8080)));
    await house.ask(db, toContainer.setup({ id: 'db', mode: 'none' }));
    await house.ask(containerAddress('idle'), toContainer.create(onDemo('idle')));
    await house.reboot();
    await house.start();
    await house.settle();
    for (const id of ['web', 'db', 'idle']) expect(house.value(containerAddress(id))).toBe('created');
    expect([house.facts(web).at(-1), house.facts(db).at(-1)]).toEqual(['lost', 'lost']);
    expect(house.facts(containerAddress('idle'))).toEqual(['created']);
    expect([leases(), ports(), networkState(house.value(demo) ?? 'absent')]).toEqual([{}, [], 'defined']);
    expectBare();
    expect((await house.ask(web, toContainer.setupAgain)).fault).toBeUndefined();
  });

  it('a reboot of the host leaves no command without a reply at any moment', async () => {
    await house.start();
    for (let moment = 1; moment <= 45; moment++) {
      const shaken = new House();
      await shaken.start({ diesAfter: moment });
      const commands = [
        shaken.say(demo, toNetwork.create()),
        shaken.say(web, toContainer.setup(onDemo('web', port8080))),
        shaken.say(web, toContainer.teardown),
      ];
      await shaken.settle();
      await shaken.reboot();
      await shaken.start();
      await shaken.settle();
      expect({ moment, disorder: disorder(shaken) }).toEqual({ moment, disorder: [] });
      for (const command of commands) expect(shaken.journal.replyTo(command)).not.toBeNull();
      expect(
        (await shaken.ask(networkAddress('later'), toNetwork.create({ name: 'later', subnets: null }))).fault,
      ).toBeUndefined();
      await shaken.demolish();
    }
  });
});

describe('a start after a reboot that dies as well', () => {
  it('a start after a reboot that dies as well leaves the remaining notices to the next start, and no actor gets one twice', async () => {
    await house.start();
    for (let moment = 1; moment <= 25; moment++) {
      const shaken = new House();
      await shaken.start();
      await shaken.ask(demo, toNetwork.create());
      await shaken.ask(web, toContainer.setup(onDemo('web', port8080)));
      await shaken.reboot();
      await shaken.start({ diesAfter: moment });
      await shaken.settle();
      await shaken.crash();
      await shaken.start();
      await shaken.settle();
      expect({ moment, disorder: disorder(shaken) }).toEqual({ moment, disorder: [] });
      expect({ moment, web: shaken.facts(web).slice(3) }).toEqual({ moment, web: ['lost'] });
      expect(shaken.value(web)).toBe('created');
      await shaken.demolish();
    }
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
