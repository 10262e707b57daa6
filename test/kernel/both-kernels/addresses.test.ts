import { describe, expect, it } from 'vitest';
import type { Step } from '../../../src/core/steps/step.ts';
import {
  address,
  addVeth,
  create,
  describeKernels,
  netns,
  perform,
  refused,
  remove,
  route,
  succeed,
  up,
  veth,
  world,
} from './kernels.ts';

describeKernels(() => {
  describe('addresses and routes', () => {
    it('addresses and routes are added, and adding them again changes nothing', async () => {
      await succeed(create(), addVeth(), up(veth, null), up('eth0', netns));
      await succeed(address('address.add'), address('address.add'), address('address.add', 'fd00::2/64'));
      expect(world.link('eth0', netns)?.addresses).toEqual(['10.0.0.2/24', 'fd00::2/64']);
      await succeed(route('route.add'), route('route.add'));
      expect(world.routes(netns)).toEqual([{ destination: '0.0.0.0/0', gateway: '10.0.0.1', metric: 100 }]);
    });

    it('addresses and routes are deleted, and may be deleted again', async () => {
      await succeed(create(), addVeth(), up(veth, null), up('eth0', netns), address('address.add'), route('route.add'));
      await succeed(route('route.delete'), route('route.delete'));
      expect(world.routes(netns)).toEqual([]);
      await succeed(address('address.delete'), address('address.delete'));
      expect(world.link('eth0', netns)?.addresses).toEqual([]);
    });

    it('addresses and routes are deleted without failure when the link or the namespace is gone', async () => {
      await succeed(route('route.delete'), address('address.delete'));
      await succeed(create(), route('route.delete'), address('address.delete'));
    });

    it('addresses and routes need an existing link: ENODEV', async () => {
      await succeed(create());
      expect(await refused(address('address.add'))).toMatchObject({ errno: 'ENODEV' });
      expect(await refused(route('route.add'))).toMatchObject({ errno: 'ENODEV' });
    });

    it('addresses and routes lead only to a gateway that the link can reach: ENETUNREACH', async () => {
      await succeed(create(), addVeth(), up(veth, null), up('eth0', netns), address('address.add'));
      expect(await refused(route('route.add', '10.9.9.1'))).toMatchObject({ errno: 'ENETUNREACH' });
    });

    it('routes may be of the types that refuse', async () => {
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

    it('N02 addresses and routes are announced by the link that has them, in both families, as soon as they are settled', async () => {
      const announce: Step = { verb: 'address.announce', netns, link: 'eth0', addresses: ['10.0.0.2', 'fd00::2'] };
      await succeed(create(), addVeth(), up(veth, null), up('eth0', netns));
      await succeed(address('address.add'), address('address.add', 'fd00::2/64'));
      await succeed({ verb: 'address.settle', netns, addresses: ['fd00::2'] }, announce, announce);
      expect((await perform(announce)).changed).toEqual([]);
      expect(await refused({ ...announce, link: 'eth7' })).toMatchObject({ errno: 'ENODEV' });
      await succeed({ verb: 'link.delete', netns: null, name: veth }, remove());
      expect(await refused(announce)).toMatchObject({ errno: 'ENOENT' });
    });

    it('addresses and routes cannot be added in a namespace that is gone: ENOENT', async () => {
      expect(await refused(address('address.add'))).toMatchObject({ errno: 'ENOENT' });
    });
  });

  describe('sysctls', () => {
    it('sysctls are set in their namespace alone, and setting them again changes nothing', async () => {
      const step: Step = { verb: 'sysctl.set', netns, key: 'net.ipv4.ip_forward', value: '1' };
      await succeed(create(), step, step);
      expect(world.sysctl('net.ipv4.ip_forward', netns)).toBe('1');
      expect(world.sysctl('net.ipv4.ip_forward', null)).not.toBe('1');
    });

    it('sysctls need an existing namespace: ENOENT', async () => {
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

    it('forwarding of the host is switched for present and future links, and switching it again changes nothing', async () => {
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

    it('forwarding of the host shows the accept_ra settings of foreign links, and lists bridges', async () => {
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
});
