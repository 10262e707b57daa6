import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import { hostVethName } from '../../src/core/object-names.ts';
import type { ContainerView } from '../../src/core/view.ts';
import { inventory, untilAnswered } from '../support/daemon.ts';
import { ipWithin } from '../support/fresh-host.ts';
import { codeOf, Lab, refusal } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

let lab: Lab;
const children: ChildProcess[] = [];

beforeAll(async () => {
  lab = await Lab.open();
  await lab.client.network.create({ name: 'web', subnets: [{ subnet: '10.88.0.0/24' }, { subnet: 'fd00:88::/64' }] });
  await lab.client.network.create({ name: 'back', subnets: [{ subnet: '10.77.0.0/24' }] });
  await lab.client.network.create({ name: 'third', subnets: [{ subnet: '10.66.0.0/24' }] });
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await lab.close();
});

/** Starts a process that lives until it is killed, optionally in a fresh network namespace. */
async function process(...wrapper: string[]): Promise<ChildProcess & { pid: number }> {
  const [file, ...args] = [...wrapper, 'sh', '-c', 'echo ready; exec sleep infinity'];
  const child = spawn(file as string, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child as ChildProcess & { pid: number };
}

/** A namespace that netloom did not make. */
function foreignNetns(name: string): { path: string; inode: number; remove(): void } {
  const path = `${lab.directory.path}/${name}`;
  const { identity, socket } = native.createNetns(path);
  socket.close();
  return { path, inode: identity.inode, remove: () => native.removeNetns(path) };
}

const inodeOf = (path: string) => native.netnsIdentity(path)?.inode ?? null;
const linksIn = (path: string) => ipWithin<{ ifname: string }[]>(path, 'link').map(({ ifname }) => ifname);
const view = async (id: string): Promise<ContainerView> => (await lab.client.container.inspect({ id })).container;

/** Lists IPv4 addresses by interface, without loopback. */
function addressesIn(path: string): Record<string, string[]> {
  const links = ipWithin<{ ifname: string; addr_info: { local: string }[] }[]>(
    path,
    '-4',
    'address',
    'show',
    'up',
  ).slice(1);
  return Object.fromEntries(links.map(({ ifname, addr_info }) => [ifname, addr_info.map(({ local }) => local)]));
}

/** Runs a test and expects the kernel to be as before once its containers are gone. */
function leavingNothing(containers: string[], test: () => Promise<void>): () => Promise<void> {
  return async () => {
    const before = await everything();
    try {
      await test();
    } finally {
      for (const id of containers) await lab.remove(id);
    }
    await lab.settled(); // a container that removed itself may still have its addresses
    expect(await everything()).toEqual(before);
  };
}

async function everything() {
  const { networks } = await lab.client.network.list();
  return {
    inventory: withoutBridges(),
    leases: networks.map(({ name, leases }) => [name, leases]),
    containers: (await lab.client.container.list()).containers,
  };
}

/** Bridges and other objects of a network come with the first member and stay. */
function withoutBridges() {
  const { links, elements, ...rest } = inventory(lab.daemon);
  return {
    ...rest,
    links: links.filter((name) => !name.startsWith('netloom')),
    elements: elements.filter((element) => /^(published|counted)/.test(element)),
  };
}

describe('a namespace without a network', () => {
  it.each([
    ['B05 mode none', { mode: 'none' }],
    ['B05 mode bridge without networks', { mode: 'bridge', networks: [] }],
  ])('a namespace without a network has only loopback, and that is up: %s', (_, wish) =>
    leavingNothing(['alone'], async () => {
      const { netns, status, ports } = await lab.client.container.setup({ id: 'alone', ...wish });
      expect({ status, ports }).toEqual({ status: {}, ports: [] });
      expect(ipWithin(netns.path, 'link')).toMatchObject([{ ifname: 'lo', flags: ['LOOPBACK', 'UP', 'LOWER_UP'] }]);
      expect(await view('alone')).toMatchObject({ mode: wish.mode, state: 'configured', netns, status: {} });
      expect(await lab.client.container.stats({ id: 'alone' })).toEqual({ id: 'alone', interfaces: {}, ports: [] });
    })(),
  );
});

describe('a foreign namespace (ns:<path>)', () => {
  it(
    'B03 a foreign namespace is used unchanged, and left unchanged',
    leavingNothing(['guest'], async () => {
      const foreign = foreignNetns('foreign');
      const { netns } = await lab.client.container.setup({ id: 'guest', mode: `ns:${foreign.path}` });
      expect(netns).toEqual({ path: foreign.path, inode: foreign.inode });
      await lab.tearDown('guest');
      expect(inodeOf(foreign.path)).toBe(foreign.inode);
      foreign.remove();
    }),
  );

  it(
    'B03 a foreign namespace gets interfaces on the networks of the wish, and loses only those',
    leavingNothing(['guest'], async () => {
      const foreign = foreignNetns('foreign');
      const { status } = await lab.client.container.setup({
        id: 'guest',
        mode: `ns:${foreign.path}`,
        networks: [{ network: 'web' }, { network: 'back' }],
      });
      expect(Object.keys(status)).toEqual(['web', 'back']);
      expect(linksIn(foreign.path)).toEqual(['lo', 'eth0', 'eth1']);
      await lab.tearDown('guest');
      expect(inodeOf(foreign.path)).toBe(foreign.inode);
      expect(linksIn(foreign.path)).toEqual(['lo']);
      foreign.remove();
    }),
  );

  it(
    'a foreign namespace is refused with a clear error when the path does not exist or is not a namespace',
    leavingNothing(['guest'], async () => {
      expect(await codeOf(lab.client.container.setup({ id: 'guest', mode: 'ns:/nowhere/at-all' }))).toBe('netns.gone');
      await expect(lab.client.container.setup({ id: 'guest', mode: 'ns:/etc/hostname' })).rejects.toMatchObject({
        fault: { code: 'netns.gone', message: '/etc/hostname is not a network namespace' },
      });
      expect((await view('guest')).lastFault).toMatchObject({ code: 'netns.gone' });
    }),
  );

  it(
    'B07 a foreign namespace with an interface of that name already: everything is undone, and that interface is not touched',
    leavingNothing(['guest'], async () => {
      const foreign = foreignNetns('foreign');
      ipWithin(foreign.path, 'link', 'add', 'eth1', 'type', 'bridge');
      const fault = await refusal(
        lab.client.container.setup({
          id: 'guest',
          mode: `ns:${foreign.path}`,
          networks: [{ network: 'web' }, { network: 'back' }],
        }),
      );
      expect(fault).toMatchObject({ code: 'link.exists', errno: 'EEXIST', leftBehind: [] });
      expect(fault.undone?.[0]).toMatch(/^link\.veth nl[0-9a-f]{12} \(eth0 in /);
      expect(linksIn(foreign.path)).toEqual(['lo', 'eth1']);
      foreign.remove();
    }),
  );
});

describe('a namespace shared with another container (container:<id>)', () => {
  it(
    'B04 a shared namespace has the same addresses and counters, also when its owner shares one itself',
    leavingNothing(['second', 'first', 'owner'], async () => {
      const owner = await lab.client.container.setup({ id: 'owner', networks: [{ network: 'web' }] });
      const first = await lab.client.container.setup({ id: 'first', mode: 'container:owner' });
      const second = await lab.client.container.setup({ id: 'second', mode: 'container:first' });
      for (const { netns, status } of [first, second, await view('second')]) {
        expect(netns).toEqual(owner.netns);
        expect(status).toEqual(owner.status);
      }
      const counted = await Promise.all(
        ['owner', 'second'].map(async (id) => (await lab.client.container.stats({ id })).interfaces),
      );
      expect(Object.keys(counted[1] ?? {})).toEqual(Object.keys(counted[0] ?? {}));
    }),
  );

  it(
    'B04 a shared namespace stays when a container that shared it is taken down',
    leavingNothing(['owner'], async () => {
      const { netns } = await lab.client.container.setup({ id: 'owner', networks: [{ network: 'web' }] });
      await lab.client.container.setup({ id: 'guest', mode: 'container:owner' });
      await lab.remove('guest');
      expect(inodeOf(netns.path)).toBe(netns.inode);
      expect(linksIn(netns.path)).toEqual(['lo', 'eth0']);
    }),
  );

  it(
    'B04 P11 a shared namespace is lost for the members when its container is taken down, removed or lost, also for indirect ones',
    leavingNothing(['of-member', 'member', 'owner'], async () => {
      const leavings = [
        () => lab.client.container.teardown({ id: 'owner' }),
        () => lab.client.container.remove({ id: 'owner' }),
        async (path: string) => native.removeNetns(path),
      ];
      for (const [round, leave] of leavings.entries()) {
        const { netns } = await lab.client.container.setup({ id: 'owner', networks: [{ network: 'web' }] });
        await lab.client.container.setup({ id: 'member', mode: 'container:owner' });
        await lab.client.container.setup({ id: 'of-member', mode: 'container:member' });
        await leave(netns.path);
        for (const id of ['member', 'of-member']) {
          await lab.facts.event(`container/${id} torn-down`, round + 1);
          expect(lab.facts.of('container', id).filter((fact) => fact === 'lost')).toHaveLength(round + 1);
          expect(await view(id)).toMatchObject({ state: 'created', netns: null, lastFault: { code: 'netns.gone' } });
        }
      }
    }),
  );

  it(
    'B04 P11 a shared namespace stays, without networks, when its container is taken down and netloom did not make it',
    leavingNothing([], async () => {
      const foreign = foreignNetns('lasting');
      const networks = [{ network: 'web' }];
      await lab.client.container.setup({ id: 'owner', mode: `ns:${foreign.path}`, networks });
      await lab.client.container.setup({ id: 'guest', mode: 'container:owner' });
      await lab.remove('owner');
      expect(await lab.client.container.inspect({ id: 'guest' })).toMatchObject({
        container: { state: 'configured', netns: { path: foreign.path, inode: foreign.inode }, status: {} },
        NetworkSettings: { SandboxKey: foreign.path, Networks: {} },
      });
      await lab.client.container.reload({ id: 'guest' });
      expect(lab.facts.of('container', 'guest')).not.toContain('lost');
      await lab.remove('guest');
      foreign.remove();
    }),
  );

  it(
    'B04 a shared namespace is refused with a clear error when the other container is unknown or has no namespace now',
    leavingNothing(['guest', 'owner'], async () => {
      expect(await codeOf(lab.client.container.setup({ id: 'guest', mode: 'container:nobody' }))).toBe('netns.gone');
      await lab.client.container.setup({ id: 'owner', networks: [{ network: 'web' }] });
      await lab.client.container.teardown({ id: 'owner' });
      const fault = await refusal(lab.client.container.setup({ id: 'guest', mode: 'container:owner' }));
      expect(fault).toMatchObject({ code: 'netns.gone', message: expect.stringContaining('owner') });
    }),
  );

  it(
    'B04 a shared namespace is refused with a clear error when a container names itself, or two wait for each other',
    leavingNothing(['one'], async () => {
      expect(await codeOf(lab.client.container.setup({ id: 'one', mode: 'container:one' }))).toBe('netns.cycle');
      await lab.client.container.create({ id: 'one', mode: 'container:other' });
      expect(await codeOf(lab.client.container.create({ id: 'other', mode: 'container:one' }))).toBe('netns.cycle');
      const setUp = await refusal(lab.client.container.setup({ id: 'other', mode: 'container:one' }));
      expect(setUp).toMatchObject({ code: 'netns.cycle', message: expect.stringContaining('other → one → other') });
      expect(await refusal(lab.client.container.setup({ id: 'one' }))).toMatchObject({
        code: 'netns.gone',
        message: 'there is no container other to share the network namespace of',
      });
    }),
  );

  it(
    'a shared namespace can be set up as soon as the container that owns it is running',
    leavingNothing(['guest', 'owner'], async () => {
      expect(await codeOf(lab.client.container.setup({ id: 'guest', mode: 'container:owner' }))).toBe('netns.gone');
      const { netns } = await lab.client.container.setup({ id: 'owner', mode: 'none' });
      expect((await lab.client.container.setup({ id: 'guest' })).netns).toEqual(netns);
    }),
  );
});

describe('the namespace of a process (pid)', () => {
  it(
    'B02 the namespace of a process is pinned and configured, and belongs to the process alone after the teardown',
    leavingNothing(['adopted'], async () => {
      const { pid, ...child } = await process('unshare', '--net');
      const own = `/proc/${pid}/ns/net`;
      const inode = inodeOf(own);
      const { netns } = await lab.client.container.setup({ id: 'adopted', pid, networks: [{ network: 'web' }] });
      expect(netns.inode).toBe(inode);
      expect(netns.inode).not.toBe(native.currentNetnsIdentity().inode);
      expect(linksIn(own)).toEqual(['lo', 'eth0']);
      await lab.tearDown('adopted');
      expect(existsSync(netns.path)).toBe(false);
      expect(inodeOf(own)).toBe(inode);
      expect(linksIn(own)).toEqual(['lo']);
      expect(child.exitCode).toBeNull();
    }),
  );

  it(
    'B02 the namespace of a process outlives the process until the teardown, and ends with it',
    leavingNothing(['adopted'], async () => {
      const child = await process('unshare', '--net');
      const { netns } = await lab.client.container.setup({
        id: 'adopted',
        pid: child.pid,
        networks: [{ network: 'web' }],
      });
      child.kill('SIGKILL');
      await once(child, 'exit');
      expect(linksIn(netns.path)).toEqual(['lo', 'eth0']);
    }),
  );
});

describe('a container on networks', () => {
  it(
    'A02 a container on networks has interfaces named in the order of its networks; a requested name is not given twice',
    leavingNothing(['many', 'named'], async () => {
      const many = await lab.client.container.setup({
        id: 'many',
        networks: ['third', 'web', 'back'].map((network) => ({ network })),
      });
      expect(addressesIn(many.netns.path)).toEqual({
        eth0: [expect.stringMatching(/^10\.66\./)],
        eth1: [expect.stringMatching(/^10\.88\./)],
        eth2: [expect.stringMatching(/^10\.77\./)],
      });
      expect(
        Object.entries(many.status).map(([network, { interfaces }]) => [network, ...Object.keys(interfaces)]),
      ).toEqual([
        ['third', 'eth0'],
        ['web', 'eth1'],
        ['back', 'eth2'],
      ]);
      const named = await lab.client.container.setup({
        id: 'named',
        networks: [
          { network: 'third' },
          { network: 'web', interfaceName: 'eth0' },
          { network: 'back', interfaceName: 'lan' },
        ],
      });
      expect(Object.keys(addressesIn(named.netns.path)).sort()).toEqual(['eth0', 'eth1', 'lan']);
      expect(named.status.web?.interfaces).toHaveProperty('eth0');
      expect(named.status.third?.interfaces).toHaveProperty('eth1');
    }),
  );

  it(
    'A03 a container on networks has the short form of its ID as a name on every network, besides its other names',
    leavingNothing(['0123456789abcdef'.repeat(4)], async () => {
      const id = '0123456789abcdef'.repeat(4);
      await lab.client.container.setup({
        id,
        networks: [{ network: 'web', aliases: ['db', 'main'] }, { network: 'back' }],
      });
      expect((await view(id)).attachments.map(({ network, aliases }) => [network, aliases])).toEqual([
        ['web', ['db', 'main', '0123456789ab']],
        ['back', ['0123456789ab']],
      ]);
    }),
  );

  it(
    'A04 a container on networks has the requested addresses and MAC',
    leavingNothing(['fixed'], async () => {
      const { netns, status } = await lab.client.container.setup({
        id: 'fixed',
        networks: [
          { network: 'back' },
          { network: 'web', staticIps: ['10.88.0.77', 'FD00:88:0::77'], staticMac: '02:00:00:00:88:77' },
        ],
      });
      expect(status.web?.interfaces.eth1).toEqual({
        mac_address: '02:00:00:00:88:77',
        subnets: [
          { ipnet: '10.88.0.77/24', gateway: '10.88.0.1' },
          { ipnet: 'fd00:88::77/64', gateway: 'fd00:88::1' },
        ],
      });
      expect(ipWithin(netns.path, 'address', 'show', 'dev', 'eth1')).toMatchObject([
        {
          address: '02:00:00:00:88:77',
          addr_info: expect.arrayContaining([
            expect.objectContaining({ local: '10.88.0.77', prefixlen: 24 }),
            expect.objectContaining({ local: 'fd00:88::77', prefixlen: 64 }),
          ]),
        },
      ]);
      expect((await lab.client.network.inspect({ name: 'web' })).network.leases).toEqual({
        fixed: ['10.88.0.77', 'fd00:88::77'],
      });
    }),
  );

  it(
    'B07 a container on networks is undone completely when it cannot be built, and the fault has the first error and what was undone',
    leavingNothing(['unlucky'], async () => {
      // the name that its second interface would have on the host
      const foreign = hostVethName('unlucky', 'back');
      ipBatch(null, [`link add ${foreign} type bridge`]);
      const fault = await refusal(
        lab.client.container.setup({
          id: 'unlucky',
          networks: [{ network: 'web' }, { network: 'back' }],
          ports: [{ hostPort: 8080, containerPort: 80 }],
        }),
      );
      ipBatch(null, [`link delete ${foreign}`]);
      expect(fault).toMatchObject({ code: 'link.exists', errno: 'EEXIST', leftBehind: [] });
      expect(fault.step).toContain(`link.veth ${foreign} (eth1 in `);
      expect(fault.undone?.map((step) => step.split(' ')[0])).toEqual(['link.veth', 'nft.add', 'netns.create']);
      expect(await view('unlucky')).toMatchObject({ state: 'failed', netns: null, status: {}, lastFault: fault });
      expect((await lab.facts.event('container/unlucky failed')).data).toMatchObject({ fault });
    }),
  );

  it('a container on networks has counters per interface that count its real traffic', () =>
    leavingNothing(['busy'], async () => {
      const { netns } = await lab.client.container.setup({
        id: 'busy',
        networks: [{ network: 'back' }, { network: 'third' }],
      });
      const peer = lab.peers.in(netns.path, 'busy');
      const host = lab.peers.in(null, 'host');
      await peer.serve('tcp', 80);
      const before = (await lab.client.container.stats({ id: 'busy' })).interfaces;
      const address = addressesIn(netns.path).eth1?.[0] as string;
      for (let call = 0; call < 20; call++) expect(await host.reach('tcp', address, 80)).toMatch(/^busy:80/);
      const after = (await lab.client.container.stats({ id: 'busy' })).interfaces;
      const grown = (link: string, counter: 'rxPackets' | 'txPackets' | 'rxBytes') =>
        (after[link]?.[counter] ?? 0) - (before[link]?.[counter] ?? 0);
      expect(Object.keys(after)).toEqual(['eth0', 'eth1']);
      // a call is three packets each way at least
      expect(grown('eth1', 'rxPackets')).toBeGreaterThanOrEqual(60);
      expect(grown('eth1', 'txPackets')).toBeGreaterThanOrEqual(60);
      expect(grown('eth1', 'rxBytes')).toBeGreaterThanOrEqual(60 * 40);
      expect(grown('eth0', 'txPackets')).toBeLessThan(20);
      const [eth1] = ipWithin<{ stats64: { rx: { packets: number } } }[]>(netns.path, '-s', 'link', 'show', 'eth1');
      expect(eth1?.stats64.rx.packets).toBeGreaterThanOrEqual(after.eth1?.rxPackets ?? Infinity);
      await lab.peers.end();
    })());
});

describe('the life of a container', () => {
  it(
    'a container can begin with a wish that is built later, by the ID alone',
    leavingNothing(['later'], async () => {
      await lab.client.container.create({ id: 'later', name: 'Later', networks: [{ network: 'web' }] });
      expect(await view('later')).toMatchObject({ name: 'Later', state: 'created', netns: null, status: {} });
      expect(withoutBridges()).toMatchObject({ namespaces: [], links: [] });
      const { status } = await lab.client.container.setup({ id: 'later' });
      expect(Object.keys(status)).toEqual(['web']);
      expect(await codeOf(lab.client.container.create({ id: 'later' }))).toBe('container.exists');
      expect(await codeOf(lab.client.container.setup({ id: 'nobody' }))).toBe('container.unknown');
    }),
  );

  it(
    'B08 a container has one set-up and one teardown; repeating them changes nothing',
    leavingNothing(['once'], async () => {
      const { netns } = await lab.client.container.setup({ id: 'once', networks: [{ network: 'web' }] });
      expect(await codeOf(lab.client.container.setup({ id: 'once', networks: [{ network: 'back' }] }))).toBe(
        'container.state',
      );
      expect(linksIn(netns.path)).toEqual(['lo', 'eth0']);
      expect(inodeOf(netns.path)).toBe(netns.inode);
      expect(await lab.client.container.teardown({ id: 'once' })).toMatchObject({ id: 'once', nothingToDo: false });
      await lab.facts.event('container/once torn-down');
      expect(await lab.client.container.teardown({ id: 'once' })).toEqual({
        id: 'once',
        nothingToDo: true,
        kernelMs: 0,
      });
      expect(lab.facts.of('container', 'once')).toEqual([
        'created',
        'netns-ready',
        'configured',
        'tearing-down',
        'torn-down',
      ]);
    }),
  );

  it(
    'B08 a container ends with a complete teardown when another program has removed half of the network',
    leavingNothing(['half'], async () => {
      const { netns } = await lab.client.container.setup({
        id: 'half',
        networks: [{ network: 'web' }, { network: 'back' }],
        ports: [{ hostPort: 8080, containerPort: 80 }],
      });
      ipWithin(netns.path, 'link', 'delete', 'eth0');
      native.removeNetns(netns.path);
      expect(await codeOf(lab.client.container.stats({ id: 'half' }))).toBe('netns.gone');
      const { nothingToDo } = await lab.client.container.teardown({ id: 'half' });
      await lab.facts.event('container/half torn-down');
      // the kernel's notice came first and left nothing to do for the command
      expect(lab.facts.of('container', 'half').includes('lost')).toBe(nothingToDo);
    }),
  );

  it(
    'a container is running while its process lives, and exited after it; another process may follow',
    leavingNothing(['live'], async () => {
      await lab.client.container.setup({ id: 'live', networks: [{ network: 'web' }] });
      for (const round of [1, 2]) {
        const { netns } = await view('live');
        const child = await process('nsenter', `--net=${netns?.path}`);
        await lab.client.container.started({ id: 'live', pid: child.pid });
        expect(await view('live')).toMatchObject({ state: 'running', pid: child.pid });
        child.kill('SIGKILL');
        expect((await lab.facts.event('container/live exited', round)).data).toEqual({
          state: 'exited',
          pid: child.pid,
        });
        expect(await view('live')).toMatchObject({ state: 'exited', netns });
      }
      expect(lab.facts.of('container', 'live').slice(3)).toEqual(['running', 'exited', 'running', 'exited']);
    }),
  );

  it(
    'a container is exited at once when its process has ended already',
    leavingNothing(['late'], async () => {
      await lab.client.container.setup({ id: 'late', mode: 'none' });
      const child = await process();
      child.kill('SIGKILL');
      await once(child, 'exit');
      await lab.client.container.started({ id: 'late', pid: child.pid });
      await lab.facts.event('container/late exited');
      expect(await codeOf(lab.client.container.started({ id: 'nobody', pid: 1 }))).toBe('container.unknown');
    }),
  );

  it(
    'a container ends with its process when the wish asks for that',
    leavingNothing([], async () => {
      const child = await process();
      await lab.client.container.setup({
        id: 'brief',
        networks: [{ network: 'web' }],
        ports: [{ hostPort: 8080, containerPort: 80 }],
        removeOnExit: true,
      });
      await lab.client.container.started({ id: 'brief', pid: child.pid });
      child.kill('SIGTERM');
      await lab.facts.event('container/brief removed');
      expect(lab.facts.of('container', 'brief')).toEqual([
        'created',
        'netns-ready',
        'configured',
        'running',
        'exited',
        'tearing-down',
        'torn-down',
        'removed',
      ]);
      expect(await codeOf(lab.client.container.inspect({ id: 'brief' }))).toBe('container.unknown');
      expect(inodeOf(`${lab.daemon.netnsDirectory}/netloom-brief`)).toBeNull();
    }),
  );

  it(
    'a container can be planned first: a plan lists each step, and changes nothing',
    leavingNothing([], async () => {
      const before = inventory(lab.daemon);
      const wish = {
        id: 'planned',
        networks: [{ network: 'web', staticIps: ['10.88.0.55'] }],
        ports: [{ hostPort: 8080, containerPort: 80 }],
      };
      const { steps, teardown } = await lab.client.container.plan(wish);
      const path = `${lab.daemon.netnsDirectory}/netloom-planned`;
      expect(steps.map((step) => step.split(' ')[0])).toEqual([
        'netns.create',
        'nft.add',
        'link.veth',
        'link.set',
        'link.set',
        'link.set',
        'link.set',
        'address.add',
        'address.add',
        'route.add',
        'route.add',
        'link.settle',
        'address.settle',
        'dns.add',
      ]);
      expect(steps).toContain(`address.add 10.88.0.55/24 dev eth0 in ${path}`);
      expect(teardown).toContain(`netns.remove ${path}`);
      expect(inventory(lab.daemon)).toEqual(before);
      expect(await codeOf(lab.client.container.inspect({ id: 'planned' }))).toBe('container.unknown');
      expect(await codeOf(lab.client.container.plan({ ...wish, networks: [{ network: 'nowhere' }] }))).toBe(
        'network.unknown',
      );
    }),
  );

  it('a container has events numbered without a gap in the stream', async () => {
    await untilAnswered(async () => expect((await lab.client.info()).outbox).toBe(0));
    await lab.facts.through((await lab.client.container.list()).sequence);
    const numbers = lab.facts.events.map(({ sequence }) => Number(sequence));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });
});
