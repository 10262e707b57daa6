import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ActorAddress, containerAddress } from '../../src/core/actor-address.ts';
import type { DhcpQuestion } from '../../src/core/dhcp/requests.ts';
import type { DhcpTerms } from '../../src/core/dhcp/terms.ts';
import type { ActorEvent } from '../../src/core/event.ts';
import { describeElement, type Element } from '../../src/core/firewall/nft.ts';
import { portElements } from '../../src/core/firewall/port-elements.ts';
import { namespaceSettings } from '../../src/core/plan/interface-settings.ts';
import type { PublishedPort } from '../../src/core/port.ts';
import type { Step, StepOutput } from '../../src/core/steps/step.ts';
import type { Performed } from '../../src/kernel/kernel.ts';
import { fakeWorld, realWorld, type World } from '../actors/worlds.ts';
import { definitionOf } from '../core/samples.ts';

/** What plans rely on. FakeKernel may stand in for Linux in other tests because both keep every promise here. */
describe.each([
  ['FakeKernel', async () => fakeWorld()],
  ['NativeKernel', realWorld],
] as const)('%s', (_name, open) => {
  let world: World;
  /** namespace, host end, bridge of the test that runs: each test has names of its own */
  let netns: string;
  let veth: string;
  let bridge: string;
  let count = 0;
  const facts: [ActorAddress, unknown][] = [];

  beforeAll(async () => {
    world = await open();
    world.kernel.onFact((to, event) => facts.push([to, event]));
  });
  afterAll(() => world.close());
  beforeEach(() => {
    count += 1;
    netns = world.pin(`n${count}`);
    veth = `v${count}`;
    bridge = `b${count}`;
  });

  const perform = (...steps: Step[]): Promise<Performed> => world.kernel.perform(steps);
  const succeed = async (...steps: Step[]): Promise<StepOutput[]> => {
    const { outputs, done, failure } = await perform(...steps);
    expect(failure).toBeNull();
    expect(done).toEqual(steps.map((_, index) => index));
    expect(outputs).toHaveLength(steps.length);
    return outputs;
  };
  const refused = async (...steps: Step[]) => {
    const { failure } = await perform(...steps);
    expect(failure).not.toBeNull();
    return failure;
  };
  const until = async (what: () => boolean): Promise<void> => {
    for (let round = 0; round < 1000 && !what(); round++) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(what()).toBe(true);
  };

  // ------------------------------------------------------------------------------------------------ steps by name

  const create = (): Step => ({ verb: 'netns.create', path: netns });
  const remove = (): Step => ({ verb: 'netns.remove', path: netns });
  const addVeth = (name = veth, peer = 'eth0'): Step => ({
    verb: 'link.veth',
    name,
    macAddress: 'fe:00:00:00:00:01',
    mtuBytes: null,
    peer: { netns, name: peer, macAddress: '02:00:00:00:00:07' },
  });
  const addBridge = (name = bridge): Step => ({
    verb: 'link.bridge',
    name,
    macAddress: '02:00:00:00:00:01',
    mtuBytes: null,
  });
  const up = (name: string, within: string | null): Step => ({ verb: 'link.set', netns: within, name, up: true });
  const gone = (graceMs: number): Step => ({ verb: 'link.gone', name: veth, graceMs });
  const address = (verb: 'address.add' | 'address.delete', text = '10.0.0.2/24'): Step => ({
    verb,
    netns,
    link: 'eth0',
    address: text,
  });
  const route = (verb: 'route.add' | 'route.delete', gateway = '10.0.0.1'): Step => ({
    verb,
    netns,
    destination: '0.0.0.0/0',
    gateway,
    link: 'eth0',
    metric: 100,
  });

  // --------------------------------------------------------------------------------------------------- promises

  describe('a host without firewalld', () => {
    it('trusts nothing, and that is no failure', async () => {
      for (const verb of ['firewalld.trust', 'firewalld.distrust'] as const) {
        const { failure, changed } = await perform({ verb, subnets: ['10.89.0.0/24'] });
        expect(failure).toBeNull();
        if (verb === 'firewalld.trust') expect(changed).toEqual([]);
      }
    });
  });

  describe('namespaces', () => {
    it('are made with loopback only, and tell who they are', async () => {
      const [output] = await succeed(create());
      expect(output).toEqual({ netns: { path: netns, inode: expect.any(Number) } });
      expect(world.isPinned(netns)).toBe(true);
      expect(world.linkNames(netns)).toEqual(['lo']);
    });

    it('stay the same when made again', async () => {
      expect(await succeed(create())).toEqual(await succeed(create()));
    });

    it('are gone after their removal, and may be removed again', async () => {
      await succeed(create(), remove(), remove());
      expect(world.isPinned(netns)).toBe(false);
    });

    it('can be required, also by identity', async () => {
      const [made] = await succeed(create());
      const inode = made?.netns?.inode ?? 0;
      expect(await succeed({ verb: 'netns.require', path: netns, inode: null })).toEqual([made]);
      expect(await succeed({ verb: 'netns.require', path: netns, inode })).toEqual([made]);
      expect(await refused({ verb: 'netns.require', path: netns, inode: inode + 1 })).toMatchObject({
        errno: 'ENOENT',
      });
    });

    it('are missed when required and gone: ENOENT', async () => {
      expect(await refused({ verb: 'netns.require', path: netns, inode: null })).toMatchObject({
        index: 0,
        errno: 'ENOENT',
      });
    });

    it('C10 that are watched tell their owner when they end, once; others do not', async () => {
      facts.length = 0;
      const [first, second, third] = ['x', 'y', 'z'].map((letter) => world.pin(`n${count}${letter}`)) as [
        string,
        string,
        string,
      ];
      const watch = (path: string, owner = `container/${path.at(-1)}`): Step => ({ verb: 'netns.watch', owner, path });
      for (const path of [first, second, third]) await succeed({ verb: 'netns.create', path });
      await succeed(watch(first), watch(second), watch(second), watch(third));
      await succeed({ verb: 'netns.unwatch', owner: 'container/x' });
      for (const path of [first, third, second]) await succeed({ verb: 'netns.remove', path });
      await until(() => facts.length >= 2);
      expect(facts.map(([owner, fact]) => [owner, fact]).sort()).toEqual([
        ['container/y', { type: 'drift.suspected' }],
        ['container/z', { type: 'drift.suspected' }],
      ]);
      expect(await refused(watch(first))).toMatchObject({ errno: 'ENOENT' });
    });

    it('B02 of a process are pinned, and outlive it', async () => {
      const process = await world.startProcess();
      const adopt: Step = { verb: 'netns.adopt', path: netns, pid: process.pid };
      expect(await succeed(adopt)).toEqual(await succeed(adopt));
      await process.end();
      expect(world.linkNames(netns)).toEqual(['lo']);
      await succeed(remove());
      expect(world.isPinned(netns)).toBe(false);
    });

    it('P18 tell whether a process lives in them', async () => {
      const process = await world.startProcess();
      const [pinned] = await succeed({ verb: 'netns.adopt', path: netns, pid: process.pid });
      const look: Step = { verb: 'netns.inhabited', path: netns, inode: pinned?.netns?.inode ?? 0 };
      expect(await succeed(look)).toEqual([{ inhabited: true }]);
      await process.end();
      expect(await succeed(look)).toEqual([{ inhabited: false }]);
      await succeed(remove());
    });

    it('B02 of a process that has ended cannot be adopted: ESRCH', async () => {
      const process = await world.startProcess();
      await process.end();
      expect(await refused({ verb: 'netns.adopt', path: netns, pid: process.pid })).toMatchObject({ errno: 'ESRCH' });
      expect(world.isPinned(netns)).toBe(false);
    });

    it("B03 of a process in the host's own cannot be adopted, nor can that be taken for another: ENOTUNIQ", async () => {
      const process = await world.startProcess('host');
      expect(await refused({ verb: 'netns.adopt', path: netns, pid: process.pid })).toMatchObject({
        errno: 'ENOTUNIQ',
        detail: `process ${process.pid} is in the host's own network namespace: use mode host`,
      });
      expect(world.isPinned(netns)).toBe(false);
      await process.end();
      const own: Step = { verb: 'netns.require', path: '/proc/self/ns/net', inode: null };
      await succeed(own);
      expect(await refused({ ...own, foreign: true })).toMatchObject({
        errno: 'ENOTUNIQ',
        detail: "/proc/self/ns/net is the host's own network namespace: use mode host",
      });
      await succeed(create(), { verb: 'netns.require', path: netns, inode: null, foreign: true });
    });

    it('B02 are not taken for those of a process when they are others: EEXIST', async () => {
      await succeed(create());
      const process = await world.startProcess();
      expect(await refused({ verb: 'netns.adopt', path: netns, pid: process.pid })).toMatchObject({ errno: 'EEXIST' });
      await process.end();
    });
  });

  describe('bridges', () => {
    it('are made with the MAC and MTU that were asked for, and made again change nothing', async () => {
      const step = { ...addBridge(), mtuBytes: 1400 } as Step;
      await succeed(step, step);
      expect(world.link(bridge)).toMatchObject({
        kind: 'bridge',
        macAddress: '02:00:00:00:00:01',
        mtuBytes: 1400,
        up: false,
      });
    });

    it('have the smallest MTU of their ports, and without ports that of a bridge', async () => {
      const join: Step = { verb: 'link.set', netns: null, name: veth, master: bridge };
      const narrow = { ...addVeth(), mtuBytes: 1300 } as Step;
      await succeed({ ...addBridge(), mtuBytes: 1400 } as Step, create(), narrow, join);
      expect(world.link(bridge)?.mtuBytes).toBe(1300);
      await succeed({ verb: 'link.delete', netns: null, name: veth });
      expect(world.link(bridge)?.mtuBytes).toBe(1500);
    });

    it('do not take the name of something else: EEXIST, with words', async () => {
      world.addForeignVeth(bridge);
      expect(await refused(addBridge())).toMatchObject({
        errno: 'EEXIST',
        detail: `interface ${bridge} already exists but is a veth interface`,
      });
      expect(world.link(bridge)).toMatchObject({ kind: 'veth', up: false });
      world.deleteLink(bridge);
    });

    it('whose name is taken stop the plan there: what stands there is not touched', async () => {
      world.addForeignVeth(bridge);
      expect(await perform(addBridge(), up(bridge, null))).toMatchObject({ done: [], failure: { index: 0 } });
      expect(world.link(bridge)).toMatchObject({ up: false });
      world.deleteLink(bridge);
    });

    it('are deleted, and deleted again', async () => {
      await succeed(
        addBridge(),
        { verb: 'link.delete', netns: null, name: bridge },
        { verb: 'link.delete', netns: null, name: bridge },
      );
      expect(world.link(bridge)).toBeNull();
    });
  });

  describe('veths', () => {
    it('have one end here and one in the namespace', async () => {
      await succeed(create(), { ...addVeth(), mtuBytes: 1400 } as Step);
      expect(world.link(veth)).toMatchObject({
        kind: 'veth',
        macAddress: 'fe:00:00:00:00:01',
        mtuBytes: 1400,
        up: false,
      });
      expect(world.link('eth0', netns)).toMatchObject({
        kind: 'veth',
        macAddress: '02:00:00:00:00:07',
        mtuBytes: 1400,
      });
    });

    it('made again change nothing', async () => {
      await succeed(create(), addVeth(), addVeth());
      expect(world.linkNames(netns).sort()).toEqual(['eth0', 'lo']);
    });

    it('need the namespace: ENOENT, and no end is made', async () => {
      expect(await refused(addVeth())).toMatchObject({ errno: 'ENOENT' });
      expect(world.link(veth)).toBeNull();
    });

    it('do not take the name of another kind of link: EEXIST, with words', async () => {
      await succeed(create(), addBridge(veth));
      expect(await refused(addVeth())).toMatchObject({
        errno: 'EEXIST',
        detail: `interface ${veth} already exists but is a bridge interface`,
      });
    });

    it('B03 do not take a name that is used within the namespace: EEXIST, with words', async () => {
      await succeed(create(), addVeth());
      expect(await refused(addVeth(`${veth}b`))).toMatchObject({
        errno: 'EEXIST',
        detail: `interface eth0 already exists in ${netns}`,
      });
      expect(world.link(`${veth}b`)).toBeNull();
    });

    it('that lead elsewhere are not the same: EEXIST, with words', async () => {
      world.addForeignVeth(veth);
      await succeed(create());
      expect(await refused(addVeth())).toMatchObject({
        errno: 'EEXIST',
        detail: `interface ${veth} already exists but does not lead to ${netns}`,
      });
      world.deleteLink(veth);
    });

    it('C15 whose name another link has are refused, and what follows does not touch that: EEXIST', async () => {
      world.addForeignVeth(veth);
      await succeed(create(), addBridge());
      const enslave: Step = { verb: 'link.set', netns: null, name: veth, master: bridge, up: true, alias: 'ours' };
      expect(await refused(addVeth(), enslave)).toMatchObject({ index: 0, errno: 'EEXIST' });
      expect(world.link(veth)).toMatchObject({ master: null, up: false });
      world.deleteLink(veth);
    });

    it('C15 may look for a name first: vacant, their own, or EEXIST with words', async () => {
      const vacant = (name = veth): Step => ({ verb: 'link.vacant', name, peer: { netns, name: 'eth0' } });
      await succeed(vacant());
      await succeed(create(), vacant(), addVeth(), vacant());
      await succeed(addBridge());
      expect(await refused(vacant(bridge))).toMatchObject({
        errno: 'EEXIST',
        detail: `interface ${bridge} already exists but is a bridge interface`,
      });
      await succeed(remove());
      const elsewhere = { netns: world.pin('elsewhere'), name: 'eth0' };
      world.addForeignVeth(`${veth}f`);
      expect(await refused({ verb: 'link.vacant', name: `${veth}f`, peer: elsewhere })).toMatchObject({
        errno: 'EEXIST',
        detail: `interface ${veth}f already exists but does not lead to ${elsewhere.netns}`,
      });
      world.deleteLink(`${veth}f`);
    });

    it('C15 are taken away by name and alias: whatever another alias names stays', async () => {
      const alias = 'netloom container/web network/demo';
      const takeAway = (name: string, verb: 'link.cut' | 'link.delete' | 'link.gone'): Step =>
        verb === 'link.delete'
          ? { verb, netns: null, name, alias }
          : verb === 'link.gone'
            ? { verb, name, alias, graceMs: 0 }
            : { verb, name, alias };
      world.addForeignVeth(veth);
      await succeed({ verb: 'link.set', netns: null, name: veth, up: true });
      for (const verb of ['link.cut', 'link.delete', 'link.gone'] as const) await succeed(takeAway(veth, verb));
      await succeed({ verb: 'link.set', netns: null, name: veth, alias: 'of others' });
      for (const verb of ['link.cut', 'link.delete', 'link.gone'] as const) await succeed(takeAway(veth, verb));
      expect(world.link(veth)).toMatchObject({ up: true });
      world.deleteLink(veth);
      // one that was made and has no alias yet, and one that has
      await succeed(create(), addVeth(), takeAway(veth, 'link.delete'));
      expect(world.link(veth)).toBeNull();
      await succeed(
        addVeth(),
        { verb: 'link.set', netns: null, name: veth, alias, up: true },
        takeAway(veth, 'link.cut'),
      );
      expect(world.link(veth)).toMatchObject({ up: false });
      await succeed(takeAway(veth, 'link.gone'));
      expect(world.link(veth)).toBeNull();
    });

    it('are deleted with both ends', async () => {
      await succeed(create(), addVeth(), { verb: 'link.delete', netns: null, name: veth });
      expect(world.link(veth)).toBeNull();
      expect(world.linkNames(netns)).toEqual(['lo']);
    });
  });

  describe('links upon a parent', () => {
    const upon = (parent: string, name = 'eth0'): Step => ({
      verb: 'link.macvlan',
      netns,
      name,
      parent,
      mode: 'bridge',
      broadcastLimit: null,
      macAddress: '02:00:00:00:00:07',
      mtuBytes: null,
    });
    const withParent = async (work: () => Promise<void>) => {
      world.addForeignVeth(veth);
      await succeed(up(veth, null), create());
      await work();
      world.deleteLink(veth);
    };

    it('are in the namespace, with the MTU of the parent; made again they stay the same', async () => {
      await withParent(async () => {
        await succeed(upon(veth), upon(veth), up('eth0', netns));
        expect(world.link('eth0', netns)).toMatchObject({
          kind: 'macvlan',
          mtuBytes: 1500,
          macAddress: '02:00:00:00:00:07',
          up: true,
        });
      });
    });

    it('N17 have no larger MTU than their parent: ERANGE, with both', async () => {
      await withParent(async () => {
        for (const mode of ['bridge', 'passthru'] as const)
          expect(await refused({ ...upon(veth), mode, mtuBytes: 9000 } as Step)).toMatchObject({
            errno: 'ERANGE',
            detail: `mtu 9000 exceeds the parent's MTU (1500 on ${veth})`,
          });
        await succeed({ ...upon(veth), mtuBytes: 1400 } as Step);
      });
    });

    it('C07 of mode passthru have the MAC address of their parent, whatever is asked for', async () => {
      await withParent(async () => {
        await succeed({ ...upon(veth), mode: 'passthru' } as Step, up('eth0', netns));
        expect(world.link('eth0', netns)?.macAddress).toBe(world.link(veth)?.macAddress);
      });
    });

    it('may be of mode source', async () => {
      await withParent(() => succeed({ ...upon(veth), mode: 'source' } as Step, up('eth0', netns)).then(() => {}));
    });

    it('go with their parent, and are deleted where they are', async () => {
      await withParent(async () => {
        await succeed(upon(veth));
        await succeed({ verb: 'link.delete', netns, name: 'eth0' }, { verb: 'link.delete', netns, name: 'eth0' });
        expect(world.linkNames(netns)).toEqual(['lo']);
        await succeed(upon(veth));
      });
      expect(world.linkNames(netns)).toEqual(['lo']);
    });

    it('C13 are asked for an address by, until a DHCP server answers, and give it back', async () => {
      const lan = world.lan(`lan${count}`);
      const place = { netns, inode: null, link: 'eth0', macAddress: '02:00:00:00:00:07', hostName: 'web' };
      const owner = `dhcp/web/lan${count}` as const;
      const ask = (question: DhcpQuestion, withinMs: number | null): Step => ({
        verb: 'dhcp.ask',
        owner,
        place,
        question,
        withinMs,
      });
      const told = (type: string) => facts.filter(([to, event]) => to === owner && (event as ActorEvent).type === type);
      const terms = (type: string) => (told(type)[0]?.[1] as { terms: DhcpTerms } | undefined)?.terms as DhcpTerms;
      const discover = { kind: 'discover', address: null, avoid: null } as const;
      await succeed(create(), upon(`lan${count}`), up('eth0', netns));

      await succeed(ask(discover, 50));
      await until(() => told('dhcp.timeout').length === 1);
      await succeed(ask(discover, 50), { verb: 'dhcp.stop', owner });

      await lan.serve();
      await succeed(ask(discover, 20_000));
      await until(() => told('dhcp.offered').length > 0);
      const { address, server } = terms('dhcp.offered');
      await succeed(ask({ kind: 'request', address, server }, 20_000));
      await until(() => told('dhcp.acknowledged').length > 0);
      const { serverMac } = terms('dhcp.acknowledged');
      expect(terms('dhcp.acknowledged')).toMatchObject({ address, server });
      await until(() => lan.leases().includes(address));

      const past = { renewAt: 1, rebindAt: 2, expiresAt: 3 };
      await succeed({ verb: 'dhcp.keep', owner, times: past });
      await until(() => told('dhcp.expired').length > 0);
      expect(facts.filter(([to]) => to === owner).map(([, event]) => (event as ActorEvent).type)).toEqual([
        'dhcp.timeout',
        'dhcp.offered',
        'dhcp.acknowledged',
        'dhcp.t1',
        'dhcp.t2',
        'dhcp.expired',
      ]);

      await succeed({ verb: 'dhcp.release', owner, place, lease: { address, server, serverMac } });
      await until(() => lan.leases().length === 0);
      // where nothing is there any more, nothing is given back, and that is no failure
      await succeed(remove(), { verb: 'dhcp.release', owner, place, lease: { address, server, serverMac } });
      await lan.remove();
    });

    it('N23 wait for another one of the same MAC address that goes with its namespace', async () => {
      await withParent(async () => {
        await succeed(upon(veth), up('eth0', netns), address('address.add'), route('route.add'));
        await succeed(remove());
        await succeed(create(), upon(veth), up('eth0', netns), address('address.add'), route('route.add'));
        expect(world.link('eth0', netns)).toMatchObject({ up: true, addresses: ['10.0.0.2/24'] });
      });
    });

    it('N23 are refused where another one of the same MAC address stays: EADDRINUSE', async () => {
      const other = world.pin(`n${count}b`);
      await withParent(async () => {
        await succeed(
          { verb: 'netns.create', path: other },
          { ...upon(veth), netns: other } as Step,
          up('eth0', other),
        );
        expect(await refused(upon(veth), up('eth0', netns))).toMatchObject({
          index: 1,
          errno: 'EADDRINUSE',
          detail: `another interface on ${veth} has its place`,
        });
        await succeed({ verb: 'netns.remove', path: other });
      });
    });

    it('need their parent: ENODEV', async () => {
      await succeed(create());
      expect(await refused(upon('nowhere'))).toMatchObject({ errno: 'ENODEV' });
      expect(world.linkNames(netns)).toEqual(['lo']);
    });

    it('need the namespace: ENOENT', async () => {
      world.addForeignVeth(veth);
      expect(await refused(upon(veth))).toMatchObject({ errno: 'ENOENT' });
      world.deleteLink(veth);
    });

    it('B03 do not take a name that is used within the namespace: EEXIST, with words', async () => {
      await withParent(async () => {
        await succeed(addVeth(`${veth}b`));
        expect(await refused(upon(veth))).toMatchObject({
          errno: 'EEXIST',
          detail: `interface eth0 already exists in ${netns} and is not on ${veth}`,
        });
      });
    });

    it('N17 are not upon loopback: EOPNOTSUPP', async () => {
      await succeed(create());
      expect(await refused(upon('lo'))).toMatchObject({
        errno: 'EOPNOTSUPP',
        detail: 'lo is not an Ethernet interface',
      });
    });

    it('of ipvlan are made, or refused where the kernel has none: EOPNOTSUPP', async () => {
      await withParent(async () => {
        const ipvlan: Step = { verb: 'link.ipvlan', netns, name: 'eth0', parent: veth, mode: 'l2', mtuBytes: null };
        if (!world.knows('ipvlan')) {
          expect(await refused(ipvlan)).toMatchObject({ errno: 'EOPNOTSUPP' });
          return;
        }
        await succeed(ipvlan, ipvlan);
        expect(world.link('eth0', netns)).toMatchObject({ kind: 'ipvlan', mtuBytes: 1500 });
      });
    });

    it('find their parent: its name, MTU and MAC address', async () => {
      world.addForeignVeth(veth);
      expect(await succeed({ verb: 'link.find', name: veth })).toEqual([
        {
          link: {
            name: veth,
            mtuBytes: 1500,
            macAddress: world.link(veth, null)?.macAddress ?? null,
            addresses: [],
            routesLoopback: false,
          },
        },
      ]);
      world.deleteLink(veth);
      expect(await refused({ verb: 'link.find', name: veth })).toMatchObject({
        errno: 'ENODEV',
        detail: `there is no interface ${veth}`,
      });
    });

    it('find none on a host without a default route: ENODEV', async () => {
      expect(await refused({ verb: 'link.find', name: null })).toMatchObject({
        errno: 'ENODEV',
        detail: 'this host has no default route',
      });
    });

    it('find that by which a public address is reached', async () => {
      const away = { netns: null, destination: '0.0.0.0/0', gateway: '10.78.0.9', link: veth, metric: 100 } as const;
      world.addForeignVeth(veth);
      await succeed(
        up(veth, null),
        up(`${veth}x`, null),
        { verb: 'address.add', netns: null, link: veth, address: '10.78.0.1/24' },
        { verb: 'route.add', ...away },
      );
      const macOf = (name: string) => world.link(name, null)?.macAddress ?? null;
      const found = {
        name: veth,
        mtuBytes: 1500,
        addresses: ['10.78.0.1'],
        macAddress: macOf(veth),
        routesLoopback: false,
      };
      expect(await succeed({ verb: 'link.find', name: null })).toEqual([{ link: found }]);
      await succeed({ ...addBridge(), mtuBytes: 1280 } as Step);
      expect(await succeed({ verb: 'link.find', name: bridge })).toEqual([
        { link: { ...found, name: bridge, mtuBytes: 1280, macAddress: macOf(bridge) } },
      ]);
      expect(await succeed({ verb: 'link.find', name: bridge, mtuOf: 'uplink' })).toEqual([
        { link: { ...found, name: bridge, macAddress: macOf(bridge) } },
      ]);
      const vpn = { ...away, destination: '0.0.0.0/1', gateway: null, link: bridge } as const;
      await succeed(up(bridge, null), { verb: 'route.add', ...vpn });
      expect(await succeed({ verb: 'link.find', name: null })).toMatchObject([
        { link: { name: bridge, mtuBytes: 1280 } },
      ]);
      await succeed({ verb: 'link.delete', netns: null, name: bridge });
      await succeed({ verb: 'route.delete', ...away });
      world.deleteLink(veth);
    });
  });

  describe('links', () => {
    it('are set up, enslaved and named by an alias; set again they stay so', async () => {
      const set: Step = {
        verb: 'link.set',
        netns: null,
        name: veth,
        up: true,
        master: bridge,
        alias: 'netloom container/web',
        group: 7,
      };
      await succeed(addBridge(), create(), addVeth(), set, set);
      expect(world.link(veth)).toMatchObject({ up: true, master: bridge, alias: 'netloom container/web' });
    });

    it('that are not there cannot be set: ENODEV', async () => {
      expect(await refused(up(veth, null))).toMatchObject({ errno: 'ENODEV' });
      expect(await refused(create(), up('eth0', netns))).toMatchObject({ index: 1, errno: 'ENODEV' });
    });

    it('have no master that is not there: ENODEV', async () => {
      expect(
        await refused(create(), addVeth(), { verb: 'link.set', netns: null, name: veth, master: 'nowhere' }),
      ).toMatchObject({ index: 2, errno: 'ENODEV' });
    });

    it('whose MTU has no room for IPv6 take no setting of it: EAFNOSUPPORT', async () => {
      const set: Step = { verb: 'link.set', netns: null, name: bridge, ipv6AddressGeneration: 'none' };
      await succeed({ ...addBridge(), mtuBytes: 1280 } as Step, set, {
        verb: 'link.delete',
        netns: null,
        name: bridge,
      });
      expect(await refused({ ...addBridge(), mtuBytes: 1279 } as Step, set)).toMatchObject({
        index: 1,
        errno: 'EAFNOSUPPORT',
      });
    });

    it('have the settings that were asked for: what differed is told, and set again nothing does', async () => {
      await succeed(create(), addVeth());
      const settings = { acceptRa: 2, autoconf: true };
      const set: Step = { verb: 'link.ipv6', netns, name: 'eth0', settings };
      expect(world.ipv6('eth0', netns)).toEqual({ forwarding: false, disableIpv6: false, ...namespaceSettings });
      const [told] = await succeed(set);
      expect(told?.drifted).toEqual([
        { key: 'net.ipv6.conf.eth0.accept_ra', found: '0', wanted: '2' },
        { key: 'net.ipv6.conf.eth0.autoconf', found: '0', wanted: '1' },
      ]);
      expect(world.ipv6('eth0', netns)).toMatchObject({ ...settings, acceptDad: 0 });
      expect(await world.kernel.perform([set], true)).toMatchObject({ changed: [], outputs: [{ drifted: [] }] });
      world.acceptRa('eth0', netns, 1);
      expect((await world.kernel.perform([set], true)).changed).toEqual([0]);
      expect(world.ipv6('eth0', netns)).toMatchObject(settings);
    });

    it('without room for IPv6 have none of its settings; one that is not there has none at all: ENODEV', async () => {
      await succeed(create(), { ...addVeth(), mtuBytes: 1279 } as Step);
      const settings = { acceptRa: 0 };
      expect(await succeed({ verb: 'link.ipv6', netns, name: 'eth0', settings })).toEqual([{ drifted: [] }]);
      expect(await refused({ verb: 'link.ipv6', netns, name: 'eth9', settings })).toMatchObject({ errno: 'ENODEV' });
    });

    it('that another program set otherwise are put back, and what was found is told', async () => {
      await succeed(addBridge());
      const set: Step = { verb: 'link.set', netns: null, name: bridge, ipv4: { rpFilter: 2 } };
      await succeed(set);
      world.rpFilter(bridge, null, 1);
      const { changed, outputs } = await world.kernel.perform([set], true);
      expect(changed).toEqual([0]);
      expect(outputs[0]?.drifted).toEqual([{ key: `net.ipv4.conf.${bridge}.rp_filter`, found: '1', wanted: '2' }]);
      expect((await world.kernel.perform([set], true)).changed).toEqual([]);
    });

    it('of a bridge are kept in a file, until they are forgotten', async () => {
      const traits = { internal: false, hasIpv6: true };
      await succeed({ verb: 'settings.persist', link: bridge, traits });
      await succeed({ verb: 'settings.persist', link: bridge, traits });
      expect(world.settingsFiles()).toContain(bridge);
      await succeed({ verb: 'settings.forget', link: bridge });
      await succeed({ verb: 'settings.forget', link: bridge });
      expect(world.settingsFiles()).not.toContain(bridge);
    });

    it('in a namespace that is gone cannot be set: ENOENT; that they are deleted is true', async () => {
      expect(await refused(up('eth0', netns))).toMatchObject({ errno: 'ENOENT' });
      await succeed({ verb: 'link.delete', netns, name: 'eth0' });
    });

    it('tell their counters, loopback left out', async () => {
      await succeed(create(), addVeth());
      expect(world.kernel.statistics(netns, []).interfaces).toEqual({
        eth0: {
          rxBytes: 0,
          txBytes: 0,
          rxPackets: 0,
          txPackets: 0,
          rxErrors: 0,
          txErrors: 0,
          rxDropped: 0,
          txDropped: 0,
        },
      });
    });

    it('tell no counters of a namespace that is gone: ENOENT', () => {
      expect(() => world.kernel.statistics(netns, [])).toThrow(expect.objectContaining({ errno: 'ENOENT' }));
    });
  });

  describe('a link that must be gone', () => {
    it('is waited for: the kernel takes it along with its namespace', async () => {
      await succeed(create(), addVeth());
      await succeed(remove(), gone(2_000));
      expect(world.link(veth)).toBeNull();
    });

    it('is deleted by force when it is still there after the grace', async () => {
      await succeed(create(), addVeth(), gone(10));
      expect(world.link(veth)).toBeNull();
      expect(world.linkNames(netns)).toEqual(['lo']);
    });

    it('is deleted at once without grace', async () => {
      await succeed(create(), addVeth(), gone(0));
      expect(world.link(veth)).toBeNull();
    });

    it('that is not there is gone', async () => {
      await succeed(gone(2_000), gone(0));
    });

    it('is not gone because it left its bridge', async () => {
      await succeed(addBridge(), create(), addVeth(), { verb: 'link.set', netns: null, name: veth, master: bridge });
      let isDone = false;
      const waiting = succeed(gone(2_000)).then(() => {
        isDone = true;
      });
      await succeed({ verb: 'link.delete', netns: null, name: bridge });
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect([isDone, world.link(veth)?.master]).toEqual([false, null]);
      await succeed(remove());
      await waiting;
      expect(world.link(veth)).toBeNull();
    });

    it('is waited for by several at once', async () => {
      await succeed(create(), addVeth());
      const waiting = Promise.all([succeed(gone(2_000)), succeed(gone(2_000))]);
      await succeed(remove());
      await waiting;
      expect(world.link(veth)).toBeNull();
    });
  });

  describe('addresses and routes', () => {
    it('are added, and added again change nothing', async () => {
      await succeed(create(), addVeth(), up(veth, null), up('eth0', netns));
      await succeed(address('address.add'), address('address.add'), address('address.add', 'fd00::2/64'));
      expect(world.link('eth0', netns)?.addresses).toEqual(['10.0.0.2/24', 'fd00::2/64']);
      await succeed(route('route.add'), route('route.add'));
      expect(world.routes(netns)).toEqual([{ destination: '0.0.0.0/0', gateway: '10.0.0.1', metric: 100 }]);
    });

    it('are deleted, and deleted again', async () => {
      await succeed(create(), addVeth(), up(veth, null), up('eth0', netns), address('address.add'), route('route.add'));
      await succeed(route('route.delete'), route('route.delete'));
      expect(world.routes(netns)).toEqual([]);
      await succeed(address('address.delete'), address('address.delete'));
      expect(world.link('eth0', netns)?.addresses).toEqual([]);
    });

    it('are deleted where even the link, or the namespace, is gone', async () => {
      await succeed(route('route.delete'), address('address.delete'));
      await succeed(create(), route('route.delete'), address('address.delete'));
    });

    it('need their link: ENODEV', async () => {
      await succeed(create());
      expect(await refused(address('address.add'))).toMatchObject({ errno: 'ENODEV' });
      expect(await refused(route('route.add'))).toMatchObject({ errno: 'ENODEV' });
    });

    it('lead only to a gateway that the link can reach: ENETUNREACH', async () => {
      await succeed(create(), addVeth(), up(veth, null), up('eth0', netns), address('address.add'));
      expect(await refused(route('route.add', '10.9.9.1'))).toMatchObject({ errno: 'ENETUNREACH' });
    });

    it('may lead nowhere', async () => {
      const types = ['blackhole', 'unreachable', 'prohibit'] as const;
      const deadEnd = (verb: 'route.add' | 'route.delete', type: (typeof types)[number]): Step => ({
        verb,
        netns,
        destination: `10.20${types.indexOf(type)}.0.0/16`,
        gateway: null,
        link: null,
        metric: 100,
        type,
      });
      const made = types.map((type) => deadEnd('route.add', type));
      await succeed(create(), ...made, ...made);
      expect(world.deadEnds(netns).sort()).toEqual([
        'blackhole 10.200.0.0/16',
        'prohibit 10.202.0.0/16',
        'unreachable 10.201.0.0/16',
      ]);
      const unmade = types.map((type) => deadEnd('route.delete', type));
      await succeed(...unmade, ...unmade);
      expect(world.deadEnds(netns)).toEqual([]);
    });

    it('N02 are announced by the link that has them, of both families, as soon as they are settled', async () => {
      const announce: Step = { verb: 'address.announce', netns, link: 'eth0', addresses: ['10.0.0.2', 'fd00::2'] };
      await succeed(create(), addVeth(), up(veth, null), up('eth0', netns));
      await succeed(address('address.add'), address('address.add', 'fd00::2/64'));
      await succeed({ verb: 'address.settle', netns, addresses: ['fd00::2'] }, announce, announce);
      expect((await perform(announce)).changed).toEqual([]);
      expect(await refused({ ...announce, link: 'eth7' })).toMatchObject({ errno: 'ENODEV' });
      await succeed({ verb: 'link.delete', netns: null, name: veth }, remove());
      expect(await refused(announce)).toMatchObject({ errno: 'ENOENT' });
    });

    it('belong to the namespace: in one that is gone none is added: ENOENT', async () => {
      expect(await refused(address('address.add'))).toMatchObject({ errno: 'ENOENT' });
    });
  });

  describe('sysctls', () => {
    it('are set in their namespace alone, and set again stay so', async () => {
      const step: Step = { verb: 'sysctl.set', netns, key: 'net.ipv4.ip_forward', value: '1' };
      await succeed(create(), step, step);
      expect(world.sysctl('net.ipv4.ip_forward', netns)).toBe('1');
      expect(world.sysctl('net.ipv4.ip_forward', null)).not.toBe('1');
    });

    it('need their namespace: ENOENT', async () => {
      expect(await refused({ verb: 'sysctl.set', netns, key: 'net.ipv4.ip_forward', value: '1' })).toMatchObject({
        errno: 'ENOENT',
      });
    });
  });

  describe('forwarding of the host', () => {
    const turn = (key: string, from: string, to: string, more: { optional?: true } = {}): Step => ({
      verb: 'sysctl.turn',
      key,
      from,
      to,
      ...more,
    });
    const all = (to: '0' | '1'): Step[] => [
      turn('net/ipv4/ip_forward', to === '1' ? '0' : '1', to),
      turn('net/ipv6/conf/all/forwarding', to === '1' ? '0' : '1', to),
    ];
    const survey = async () => (await succeed({ verb: 'forwarding.survey' }))[0]?.forwarding;

    it('is turned, which holds for links that come, too; and turned again nothing changes', async () => {
      await succeed(...all('0'));
      expect(await survey()).toMatchObject({ on: [], future: [] });
      const outputs = await succeed(...all('1'), ...all('1'));
      expect(outputs.map(({ drifted }) => drifted?.[0]?.key)).toEqual([
        'net.ipv4.ip_forward',
        'net.ipv6.conf.all.forwarding',
        undefined,
        undefined,
      ]);
      expect(await survey()).toMatchObject({ on: [4, 6], future: [4, 6] });
      await succeed(...all('0'));
    });

    it('shows what links believe that are not ours, and which are bridges', async () => {
      await succeed(
        { verb: 'link.bridge', name: 'theirs.1', macAddress: '02:00:00:00:00:09', mtuBytes: null },
        { verb: 'link.bridge', name: 'ours0', macAddress: '02:00:00:00:00:09', mtuBytes: null },
        { verb: 'link.set', netns: null, name: 'ours0', alias: 'netloom network/demo' },
      );
      const key = 'net/ipv6/conf/theirs.1/accept_ra';
      expect(await survey()).toMatchObject({
        acceptRa: { 'theirs.1': 1, default: 1 },
        bridges: expect.arrayContaining(['theirs.1']),
      });
      expect((await survey())?.acceptRa).not.toHaveProperty('ours0');
      await succeed(turn(key, '0', '2'));
      expect((await survey())?.acceptRa['theirs.1']).toBe(1);
      await succeed(turn(key, '1', '2'), turn('net/ipv6/conf/default/accept_ra', '1', '2'));
      expect((await survey())?.acceptRa).toMatchObject({ 'theirs.1': 2, default: 2 });
      await succeed(turn('net/ipv6/conf/default/accept_ra', '2', '1'));
      for (const name of ['theirs.1', 'ours0']) await succeed({ verb: 'link.delete', netns: null, name });
      await succeed(turn(key, '2', '1', { optional: true }));
      expect(await refused(turn(key, '2', '1'))).toMatchObject({ errno: 'ENOENT' });
    });
  });

  describe('elements', () => {
    const published = (port: number, target = '10.0.0.2'): Element => ({
      set: 'published_any4',
      key: ['tcp', `${port}`],
      value: [target, '80'],
      owner: 'container/web',
    });
    const add = (...elements: Element[]): Step => ({ verb: 'nft.add', elements });
    const remove = (...elements: Element[]): Step => ({ verb: 'nft.delete', elements });
    const kept = () => world.elements('published_any4');

    // the first of them finds no ruleset: the order of these tests matters
    it('need the base ruleset: ENOENT; that they are deleted is true without it', async () => {
      expect(await refused(add(published(1)))).toMatchObject({ errno: 'ENOENT' });
      await succeed(remove(published(1)));
    });

    it('are kept when the base ruleset is loaded again', async () => {
      await succeed({ verb: 'nft.load' }, add(published(1)), { verb: 'nft.load' });
      expect(kept()).toEqual([describeElement(published(1))]);
      await succeed(remove(published(1)));
    });

    it('are added, and added again change nothing', async () => {
      await succeed(add(published(1), published(2)), add(published(1)));
      expect(kept()).toEqual([published(1), published(2)].map(describeElement));
      await succeed(remove(published(1), published(2)));
    });

    it('are deleted, and what is gone already does not hinder the rest', async () => {
      await succeed(add(published(1), published(2), published(3)), remove(published(2)));
      await succeed(remove(published(1), published(2), published(3)), remove(published(1)));
      expect(kept()).toEqual([]);
    });

    it('that contradict one that is there are refused, and with them the whole batch: EEXIST', async () => {
      await succeed(add(published(1)));
      expect(await refused(add(published(2), published(1, '10.0.0.3')))).toMatchObject({ errno: 'EEXIST' });
      expect(kept()).toEqual([describeElement(published(1))]);
      await succeed(remove(published(1)));
    });

    it('take the place of others in one transaction: all, or none', async () => {
      const replace = (removed: Element[], added: Element[]): Step => ({
        verb: 'nft.replace',
        remove: removed,
        add: added,
      });
      await succeed(add(published(1), published(2)));
      await succeed(replace([published(1)], [published(1, '10.0.0.9'), published(3)]));
      expect(kept()).toEqual([published(1, '10.0.0.9'), published(2), published(3)].map(describeElement));
      // what is to go may have gone already
      await succeed(replace([published(4), published(3)], []));
      expect(await refused(replace([published(1)], [published(5), published(2, '10.0.0.9')]))).toMatchObject({
        errno: 'EEXIST',
      });
      expect(kept()).toEqual([published(1, '10.0.0.9'), published(2)].map(describeElement));
      await succeed(remove(published(1), published(2)));
    });

    it('of every set come and go', async () => {
      const elements: Element[] = [
        { set: 'published_any6', key: ['udp', '53'], value: ['fd00::2', '53'], owner: 'network/web' },
        { set: 'published_host4', key: ['tcp', '127.0.0.1', '80'], value: ['10.0.0.2', '80'], owner: 'network/web' },
        { set: 'published_host6', key: ['tcp', '::1', '80'], value: ['fd00::2', '80'], owner: 'network/web' },
        { set: 'published_range4', key: ['tcp', '0.0.0.0/0', '8000-8010'], value: ['10.0.0.2'], owner: 'network/web' },
        { set: 'published_range6', key: ['tcp', '::/0', '8000-8010'], value: ['fd00::2'], owner: 'network/web' },
        { set: 'same_network4', key: ['10.0.0.0/24', '10.0.0.0/24'], owner: 'network/web' },
        { set: 'same_network6', key: ['fd00::/64', 'fd00::/64'], owner: 'network/web' },
        { set: 'counted_any4', key: ['original', 'tcp', '80'], owner: 'container/web' },
        { set: 'counted_any6', key: ['reply', 'tcp', '80'], owner: 'container/web' },
        { set: 'counted_host4', key: ['original', 'tcp', '127.0.0.1', '80'], owner: 'container/web' },
        { set: 'counted_host6', key: ['reply', 'tcp', '::1', '80'], owner: 'container/web' },
        { set: 'counted_range4', key: ['original', 'tcp', '0.0.0.0/0', '8000-8010'], owner: 'container/web' },
        { set: 'counted_range6', key: ['reply', 'tcp', '::/0', '8000-8010'], owner: 'container/web' },
        { set: 'network_links', key: ['netloom0'], owner: 'network/web' },
        { set: 'same_link', key: ['netloom0', 'netloom0'], owner: 'network/web' },
        { set: 'isolated_links', key: ['netloom0'], owner: 'network/web' },
        { set: 'strict_links', key: ['netloom0'], owner: 'network/web' },
        { set: 'internal_links', key: ['netloom0'], owner: 'network/web' },
      ];
      const intervals: Element[] = [
        { set: 'subnets4', key: ['10.0.0.0/24'], owner: 'network/web' },
        { set: 'subnets4', key: ['10.0.1.0/24'], owner: 'network/web' },
        { set: 'outbound4', key: ['10.0.2.0/24'], value: ['192.0.2.9'], owner: 'network/web' },
        { set: 'outbound6', key: ['fd01::/64'], value: ['fd02::9'], owner: 'network/web' },
        { set: 'subnets6', key: ['fd00::/64'], owner: 'network/web' },
      ];
      await succeed(add(...elements, ...intervals), add(...elements, ...intervals));
      for (const element of elements) expect(world.elements(element.set)).toEqual([describeElement(element)]);
      expect(world.elements('subnets4').length).toBeGreaterThan(0);
      await succeed(remove(...elements, ...intervals), remove(...elements, ...intervals));
      for (const { set } of [...elements, ...intervals]) expect(world.elements(set)).toEqual([]);
    });

    it('of published ports are counted in the order asked for, from nothing; also those that are not in the firewall', async () => {
      await succeed(create(), { verb: 'nft.load' });
      const port = { protocol: 'tcp', hostIp: null, hostPort: 8080, containerPort: 80, range: 1 } as const;
      const ports = [port, { ...port, hostIp: '127.0.0.1', range: 2 }, { ...port, hostPort: 9090 }];
      await succeed({ verb: 'nft.add', elements: portElements(port, { 4: '10.89.0.2' }, 'container/c1') });
      const nothing = { packets: 0, bytes: 0 };
      expect(world.kernel.statistics(netns, ports).ports).toEqual(
        ports.map(() => ({ toContainer: nothing, fromContainer: nothing })),
      );
      await succeed({ verb: 'nft.delete', elements: portElements(port, { 4: '10.89.0.2' }, 'container/c1') });
    });
  });

  describe('flows of UDP to a published port', () => {
    const here = '127.0.0.1';
    const udp = { protocol: 'udp', hostIp: null, hostPort: 5001, containerPort: 53, range: 2 } as const;
    const flush = (port: PublishedPort): Step => ({ verb: 'conntrack.flush', ports: [port] });
    const publish = { verb: 'nft.add', elements: portElements(udp, { 4: '10.89.0.2' }, 'container/c1') } as const;

    beforeEach(async () => {
      await succeed({ verb: 'nft.load' }, flush({ ...udp, hostPort: 5000, range: 10 }));
      for (const port of [5000, 5001, 5002, 5003]) world.startFlow(here, port);
      expect(world.flowsTo(here)).toEqual([5000, 5001, 5002, 5003]);
    });

    it('are forgotten, those to other ports are not', async () => {
      await succeed(flush(udp), flush(udp));
      expect(world.flowsTo(here)).toEqual([5000, 5003]);
    });

    it('are forgotten on the address that it is published on alone', async () => {
      await succeed(flush({ ...udp, hostIp: '127.0.0.2' }));
      expect(world.flowsTo(here)).toHaveLength(4);
      await succeed(flush({ ...udp, hostIp: '0.0.0.0' }), flush({ ...udp, hostPort: 5003, hostIp: here, range: 1 }));
      expect(world.flowsTo(here)).toEqual([5000]);
    });

    it('go on where a verification found the port published, and are forgotten where it had to be put back', async () => {
      await succeed(publish);
      await world.kernel.perform([publish, flush(udp)], true);
      expect(world.flowsTo(here)).toHaveLength(4);
      await succeed({ verb: 'nft.delete', elements: publish.elements });
      await world.kernel.perform([publish, flush(udp)], true);
      expect(world.flowsTo(here)).toEqual([5000, 5003]);
      await succeed({ verb: 'nft.delete', elements: publish.elements });
    });
  });

  describe('A09 held ports', () => {
    type Hold = Extract<Step, { verb: 'port.hold' }>;
    const hold = (owner: string, port: number, range = 1, addresses = ['0.0.0.0', '::']): Hold => ({
      verb: 'port.hold',
      owner,
      protocol: 'tcp',
      addresses,
      port,
      range,
    });
    const release = (owner: string): Step => ({ verb: 'port.release', owner });
    const isFree = (port: number) => world.isFree('tcp', '0.0.0.0', port);

    it('A09 are taken until their owner lets go', async () => {
      expect(await succeed(hold('a', 18_080))).toEqual([{ port: 18_080 }]);
      expect([isFree(18_080), world.isFree('tcp', '::1', 18_080), world.isFree('udp', '0.0.0.0', 18_080)]).toEqual([
        false,
        false,
        true,
      ]);
      await succeed(release('a'), release('a'));
      expect(isFree(18_080)).toBe(true);
    });

    it('A09 may be held again by who holds them', async () => {
      expect(await succeed(hold('a', 18_080), hold('a', 18_080))).toEqual([{ port: 18_080 }, { port: 18_080 }]);
      await succeed(release('a'));
      expect(isFree(18_080)).toBe(true);
    });

    it('A09 of a range are all taken', async () => {
      await succeed(hold('a', 18_000, 3));
      expect([17_999, 18_000, 18_001, 18_002, 18_003].map(isFree)).toEqual([true, false, false, false, true]);
      await succeed(release('a'));
    });

    it('A09 are picked when none is named, and the pick may be held again by its number', async () => {
      const [output] = await succeed(hold('a', 0, 2));
      const first = output?.port ?? 0;
      expect(first).toBeGreaterThan(1023);
      expect([isFree(first), isFree(first + 1)]).toEqual([false, false]);
      expect(await succeed(hold('a', first, 2))).toEqual([{ port: first }]);
      await succeed(release('a'));
      expect(isFree(first)).toBe(true);
    });

    it('A09 that another process has are refused, and nothing of the range is held: EADDRINUSE', async () => {
      const taken = world.takePort('tcp', '127.0.0.1', 18_002);
      expect(await refused(hold('a', 18_000, 3))).toMatchObject({ errno: 'EADDRINUSE' });
      expect([18_000, 18_001].map(isFree)).toEqual([true, true]);
      taken.release();
      await succeed(hold('a', 18_000, 3), release('a'));
    });

    it('A09 that another owner has are refused: EADDRINUSE', async () => {
      await succeed(hold('a', 18_080));
      expect(await refused(hold('b', 18_080, 1, ['127.0.0.1']))).toMatchObject({ errno: 'EADDRINUSE' });
      await succeed(release('b'));
      expect(isFree(18_080)).toBe(false);
      await succeed(release('a'));
    });

    it('A09 are given up one by one: by what was asked for, the last pick first', async () => {
      const asked = (port: number, range = 1) => ({
        protocol: 'tcp' as const,
        addresses: ['0.0.0.0', '::'],
        port,
        range,
      });
      const [, , first, last] = await succeed(hold('a', 18_080), hold('a', 18_000, 3), hold('a', 0), hold('a', 0));
      const picks = [first?.port ?? 0, last?.port ?? 0];
      expect(new Set(picks).size).toBe(2);
      const give = (...ports: ReturnType<typeof asked>[]): Step => ({ verb: 'port.release', owner: 'a', ports });
      await succeed(give(asked(18_000, 3), asked(0)));
      expect([18_080, 18_000, 18_002, ...picks].map(isFree)).toEqual([false, true, true, false, true]);
      // not what is not held, nor a part of what is
      await succeed(give(asked(18_081), asked(18_080, 2)), give());
      expect(isFree(18_080)).toBe(false);
      await succeed(give(asked(18_080), asked(picks[0] as number)));
      expect([18_080, ...picks].map(isFree)).toEqual([true, true, true]);
    });

    it('N16 that one owner holds on an address and on every one are bound once, until the last of both is given up', async () => {
      const loopback = hold('a', 18_080, 1, ['127.0.0.1']);
      const part = hold('a', 18_078, 3, ['0.0.0.0']);
      const give = ({ protocol, addresses, port, range }: Hold): Step => ({
        verb: 'port.release',
        owner: 'a',
        ports: [{ protocol, addresses, port, range }],
      });
      await succeed(loopback, hold('a', 18_080), part);
      expect([18_078, 18_080].map((port) => world.isFree('tcp', '127.0.0.2', port))).toEqual([false, false]);
      await succeed(give(part));
      expect([18_078, 18_080].map((port) => world.isFree('tcp', '127.0.0.2', port))).toEqual([true, false]);
      await succeed(give(hold('a', 18_080)));
      expect(['127.0.0.1', '127.0.0.2'].map((address) => world.isFree('tcp', address, 18_080))).toEqual([false, true]);
      expect(world.isFree('tcp', '::', 18_080)).toBe(true);
      await succeed(give(loopback));
      expect(isFree(18_080)).toBe(true);
    });

    it('N16 that one owner widens in vain stay as they were: EADDRINUSE', async () => {
      await succeed(hold('a', 18_080, 1, ['127.0.0.1']));
      const taken = world.takePort('tcp', '127.0.0.2', 18_080);
      expect(await refused(hold('a', 18_080))).toMatchObject({ errno: 'EADDRINUSE' });
      expect(world.isFree('tcp', '127.0.0.1', 18_080)).toBe(false);
      expect(world.isFree('tcp', '127.0.0.3', 18_080)).toBe(true);
      taken.release();
      await succeed(release('a'));
    });

    it('A09 of an address that is not of this host are not to be had: EADDRNOTAVAIL', async () => {
      expect(await refused(hold('a', 18_080, 1, ['192.0.2.1']))).toMatchObject({ errno: 'EADDRNOTAVAIL' });
    });

    it('A09 of one address leave the others free', async () => {
      await succeed(hold('a', 18_080, 1, ['127.0.0.1']), hold('b', 18_080, 1, ['127.0.0.2']));
      expect(world.isFree('tcp', '127.0.0.3', 18_080)).toBe(true);
      await succeed(release('a'), release('b'));
    });
  });

  describe('processes', () => {
    const watch = (pid: number, startTicks: number | null = null): Step => ({
      verb: 'process.watch',
      owner: 'container/web',
      pid,
      startTicks,
    });
    const unwatch: Step = { verb: 'process.unwatch', owner: 'container/web' };

    it('are told of when they end, once', async () => {
      facts.length = 0;
      const process = await world.startProcess();
      const [output] = await succeed(watch(process.pid));
      expect(output).toEqual({ startTicks: expect.any(Number) });
      expect(await succeed(watch(process.pid, output?.startTicks ?? 0))).toEqual([output]);
      await process.end();
      await until(() => facts.length > 0);
      expect(facts).toEqual([['container/web', { type: 'process.exited', pid: process.pid }]]);
    });

    it('that have ended cannot be watched: ESRCH', async () => {
      const process = await world.startProcess();
      await process.end();
      expect(await refused(watch(process.pid))).toMatchObject({ errno: 'ESRCH' });
    });

    it('that have another start time are others, under a pid that was used before: ESRCH', async () => {
      const process = await world.startProcess();
      const [output] = await succeed(watch(process.pid), unwatch);
      expect(await refused(watch(process.pid, (output?.startTicks ?? 0) + 1))).toMatchObject({ errno: 'ESRCH' });
      await process.end();
    });

    it('that are no longer watched are not told of; unwatching nothing is fine', async () => {
      facts.length = 0;
      const process = await world.startProcess();
      await succeed(watch(process.pid), unwatch, unwatch);
      await process.end();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(facts).toEqual([]);
    });
  });

  describe('P18 deadlines', () => {
    const owner = containerAddress('web');
    const set = (withinMs: number, at: number | null = null): Step => ({
      verb: 'deadline.set',
      owner,
      deadline: 'start',
      withinMs,
      at,
    });
    const clear: Step = { verb: 'deadline.clear', owner };

    it('P18 are told of when they have passed, once each', async () => {
      facts.length = 0;
      const before = Date.now();
      const [output] = await succeed(set(20));
      const at = output?.deadlineAt ?? 0;
      expect(at).toBeGreaterThanOrEqual(before + 20);
      await until(() => facts.length > 0);
      expect(Date.now()).toBeGreaterThanOrEqual(at);
      expect(facts).toEqual([[owner, { type: 'deadline.passed', command: null, deadline: 'start', at }]]);
    });

    it('P18 that are known already have that time, also where it is past', async () => {
      facts.length = 0;
      expect(await succeed(set(60_000, 5))).toEqual([{ deadlineAt: 5 }]);
      await until(() => facts.length > 0);
      expect(facts).toMatchObject([[owner, { at: 5 }]]);
    });

    it('P18 are not told of when another one is set, or when they are cleared', async () => {
      facts.length = 0;
      await succeed(set(60_000, 1), set(60_000, 2), clear, clear, set(60_000, 3));
      await until(() => facts.length > 0);
      expect(facts).toMatchObject([[owner, { at: 3 }]]);
      await succeed(set(60_000), clear);
    });

    it('B08 of claims that wait in one owner are told of and cleared one by one', async () => {
      facts.length = 0;
      const [one, two] = ['network/one', 'network/two'] as const;
      const wait = (claimant: typeof one | typeof two, at: number): Step => ({ ...set(60_000, at), claimant }) as Step;
      await succeed(wait(one, 1), wait(two, Date.now() + 60_000), { ...clear, claimant: two }, set(60_000, 2));
      await until(() => facts.length > 1);
      expect(facts).toMatchObject([
        [owner, { at: 1, claimant: one }],
        [owner, { at: 2 }],
      ]);
    });
  });

  describe('definitions', () => {
    it('are written, written anew, and removed, also twice', async () => {
      const definition = definitionOf();
      const write: Step = { verb: 'definition.write', definition, previous: null };
      await succeed(write, write);
      expect(world.definitions()).toEqual(['demo']);
      const gone: Step = { verb: 'definition.remove', name: 'demo' };
      await succeed(gone, gone);
      expect(world.definitions()).toEqual([]);
    });
  });

  describe('the host', () => {
    it('tells which subnets and names are in use', async () => {
      await succeed(
        addBridge(),
        { verb: 'address.add', netns: null, link: bridge, address: '10.77.0.1/24' },
        up(bridge, null),
      );
      const [output] = await succeed({ verb: 'host.survey' });
      expect(output?.survey?.connected).toContainEqual({ destination: '10.77.0.0/24', link: bridge });
      expect(output?.survey?.routes).not.toContainEqual({ destination: '10.77.0.0/24', link: bridge });
      expect(output?.survey?.linkNames).toEqual(expect.arrayContaining(['lo', bridge]));
      await succeed({ verb: 'link.delete', netns: null, name: bridge });
      const [after] = await succeed({ verb: 'host.survey' });
      expect(after?.survey?.connected).not.toContainEqual({ destination: '10.77.0.0/24', link: bridge });
      expect(after?.survey?.linkNames).not.toContain(bridge);
    });

    it('tells of its links, and whose they are', async () => {
      await succeed(addBridge(), addBridge('other0'));
      const named = { verb: 'link.set', netns: null, name: bridge, up: true, alias: 'netloom network/demo' } as const;
      await succeed(named);
      expect(world.kernel.hostLinks()).toEqual(
        expect.arrayContaining([
          { name: 'lo', owner: null },
          { name: 'other0', owner: null },
          { name: bridge, owner: 'network/demo' },
        ]),
      );
      for (const name of [bridge, 'other0']) await succeed({ verb: 'link.delete', netns: null, name });
      expect(world.kernel.hostLinks().map(({ name }) => name)).not.toContain(bridge);
    });

    it('has no way outside in these tests, and says so', () => {
      expect(world.kernel.hostIp()).toBeNull();
    });
  });

  it('a plan stops at its first failure and tells what was done', async () => {
    const { done, outputs, failure } = await perform(create(), up('nothing', netns), addVeth(), remove());
    expect(failure).toMatchObject({ index: 1, errno: 'ENODEV', operation: expect.any(String) });
    expect(done[0]).toBe(0);
    expect(done).not.toContain(3);
    expect(outputs).toHaveLength(done.length);
    expect(world.isPinned(netns)).toBe(true);
  });

  it('an empty plan is done', async () => {
    expect(await perform()).toEqual({ outputs: [], done: [], changed: [], failure: null });
  });
});
