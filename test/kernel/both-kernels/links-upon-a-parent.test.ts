import { describe, expect, it } from 'vitest';
import type { ActorEvent } from '../../../src/core/actor-event.ts';
import type { DhcpQuestion } from '../../../src/core/dhcp/requests.ts';
import type { DhcpTerms } from '../../../src/core/dhcp/terms.ts';
import type { Step } from '../../../src/core/steps/step.ts';
import {
  addBridge,
  address,
  addVeth,
  bridge,
  count,
  create,
  describeKernels,
  facts,
  netns,
  refused,
  remove,
  route,
  succeed,
  until,
  up,
  veth,
  world,
} from './kernels.ts';

describeKernels(() => {
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

    it('links upon a parent are in the namespace, with the MTU of the parent; making them again changes nothing', async () => {
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

    it('N17 links upon a parent cannot have a larger MTU than their parent: ERANGE, with both', async () => {
      await withParent(async () => {
        for (const mode of ['bridge', 'passthru'] as const)
          expect(await refused({ ...upon(veth), mode, mtuBytes: 9000 } as Step)).toMatchObject({
            errno: 'ERANGE',
            detail: `mtu 9000 exceeds the parent's MTU (1500 on ${veth})`,
          });
        await succeed({ ...upon(veth), mtuBytes: 1400 } as Step);
      });
    });

    it('C07 links upon a parent of mode passthru keep the MAC address of their parent, whatever the wish is', async () => {
      await withParent(async () => {
        await succeed({ ...upon(veth), mode: 'passthru' } as Step, up('eth0', netns));
        expect(world.link('eth0', netns)?.macAddress).toBe(world.link(veth)?.macAddress);
      });
    });

    it('links upon a parent may be of mode source', async () => {
      await withParent(() => succeed({ ...upon(veth), mode: 'source' } as Step, up('eth0', netns)).then(() => {}));
    });

    it('links upon a parent end with their parent, and are deleted inside their namespace', async () => {
      await withParent(async () => {
        await succeed(upon(veth));
        await succeed({ verb: 'link.delete', netns, name: 'eth0' }, { verb: 'link.delete', netns, name: 'eth0' });
        expect(world.linkNames(netns)).toEqual(['lo']);
        await succeed(upon(veth));
      });
      expect(world.linkNames(netns)).toEqual(['lo']);
    });

    it('C13 links upon a parent carry DHCP requests until a server answers, and release the address', async () => {
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
      // releasing an address in a namespace that is gone is no failure
      await succeed(remove(), { verb: 'dhcp.release', owner, place, lease: { address, server, serverMac } });
      await lan.remove();
    });

    it('N23 links upon a parent wait for a link with the same MAC address that ends with its namespace', async () => {
      await withParent(async () => {
        await succeed(upon(veth), up('eth0', netns), address('address.add'), route('route.add'));
        await succeed(remove());
        await succeed(create(), upon(veth), up('eth0', netns), address('address.add'), route('route.add'));
        expect(world.link('eth0', netns)).toMatchObject({ up: true, addresses: ['10.0.0.2/24'] });
      });
    });

    it('N23 links upon a parent are refused while another link with the same MAC address stays: EADDRINUSE', async () => {
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

    it('links upon a parent need an existing parent: ENODEV', async () => {
      await succeed(create());
      expect(await refused(upon('nowhere'))).toMatchObject({ errno: 'ENODEV' });
      expect(world.linkNames(netns)).toEqual(['lo']);
    });

    it('links upon a parent need an existing namespace: ENOENT', async () => {
      world.addForeignVeth(veth);
      expect(await refused(upon(veth))).toMatchObject({ errno: 'ENOENT' });
      world.deleteLink(veth);
    });

    it('B03 links upon a parent do not take a name that is used within the namespace: EEXIST, with an explanation', async () => {
      await withParent(async () => {
        await succeed(addVeth(`${veth}b`));
        expect(await refused(upon(veth))).toMatchObject({
          errno: 'EEXIST',
          detail: `interface eth0 already exists in ${netns} and is not on ${veth}`,
        });
      });
    });

    it('N17 links upon a parent cannot be made upon loopback: EOPNOTSUPP', async () => {
      await succeed(create());
      expect(await refused(upon('lo'))).toMatchObject({
        errno: 'EOPNOTSUPP',
        detail: 'lo is not an Ethernet interface',
      });
    });

    it('links upon a parent of ipvlan are made, or refused where the kernel does not support them: EOPNOTSUPP', async () => {
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

    it('links upon a parent find their parent: its name, MTU and MAC address', async () => {
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

    it('links upon a parent find no parent on a host without a default route: ENODEV', async () => {
      expect(await refused({ verb: 'link.find', name: null })).toMatchObject({
        errno: 'ENODEV',
        detail: 'this host has no default route',
      });
    });

    it('links upon a parent find the parent that leads to a public address', async () => {
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
});
