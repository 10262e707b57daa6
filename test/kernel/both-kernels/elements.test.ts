import { beforeEach, describe, expect, it } from 'vitest';
import type { Element } from '../../../src/core/firewall/nft.ts';
import { describeElement } from '../../../src/core/firewall/nft.ts';
import { portElements } from '../../../src/core/firewall/port-elements.ts';
import type { PublishedPort } from '../../../src/core/port.ts';
import type { Step } from '../../../src/core/steps/step.ts';
import { create, describeKernels, netns, refused, succeed, world } from './kernels.ts';

describeKernels(() => {
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

    // the first test finds no ruleset: the order of these tests matters
    it('elements need the base ruleset: ENOENT; deleting them succeeds without it', async () => {
      expect(await refused(add(published(1)))).toMatchObject({ errno: 'ENOENT' });
      await succeed(remove(published(1)));
    });

    it('elements are kept when the base ruleset is loaded again', async () => {
      await succeed({ verb: 'nft.load' }, add(published(1)), { verb: 'nft.load' });
      expect(kept()).toEqual([describeElement(published(1))]);
      await succeed(remove(published(1)));
    });

    it('elements are added, and adding them again changes nothing', async () => {
      await succeed(add(published(1), published(2)), add(published(1)));
      expect(kept()).toEqual([published(1), published(2)].map(describeElement));
      await succeed(remove(published(1), published(2)));
    });

    it('elements are deleted, also when some of them are already gone', async () => {
      await succeed(add(published(1), published(2), published(3)), remove(published(2)));
      await succeed(remove(published(1), published(2), published(3)), remove(published(1)));
      expect(kept()).toEqual([]);
    });

    it('elements are refused as a batch when one contradicts an existing element: EEXIST', async () => {
      await succeed(add(published(1)));
      expect(await refused(add(published(2), published(1, '10.0.0.3')))).toMatchObject({ errno: 'EEXIST' });
      expect(kept()).toEqual([describeElement(published(1))]);
      await succeed(remove(published(1)));
    });

    it('elements replace others in one transaction: all, or none', async () => {
      const replace = (removed: Element[], added: Element[]): Step => ({
        verb: 'nft.replace',
        remove: removed,
        add: added,
      });
      await succeed(add(published(1), published(2)));
      await succeed(replace([published(1)], [published(1, '10.0.0.9'), published(3)]));
      expect(kept()).toEqual([published(1, '10.0.0.9'), published(2), published(3)].map(describeElement));
      // elements to be replaced may be gone already
      await succeed(replace([published(4), published(3)], []));
      expect(await refused(replace([published(1)], [published(5), published(2, '10.0.0.9')]))).toMatchObject({
        errno: 'EEXIST',
      });
      expect(kept()).toEqual([published(1, '10.0.0.9'), published(2)].map(describeElement));
      await succeed(remove(published(1), published(2)));
    });

    it('elements of every set are added and deleted', async () => {
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

    it('elements of published ports are counted in the order of the request; missing ones count zero', async () => {
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

    it('flows of UDP to a published port are forgotten, and flows to other ports are not', async () => {
      await succeed(flush(udp), flush(udp));
      expect(world.flowsTo(here)).toEqual([5000, 5003]);
    });

    it('flows of UDP to a published port are forgotten only on the address of the published port', async () => {
      await succeed(flush({ ...udp, hostIp: '127.0.0.2' }));
      expect(world.flowsTo(here)).toHaveLength(4);
      await succeed(flush({ ...udp, hostIp: '0.0.0.0' }), flush({ ...udp, hostPort: 5003, hostIp: here, range: 1 }));
      expect(world.flowsTo(here)).toEqual([5000]);
    });

    it('flows of UDP to a published port continue when a verification found the port published, and are forgotten when it had to be restored', async () => {
      await succeed(publish);
      await world.kernel.perform([publish, flush(udp)], true);
      expect(world.flowsTo(here)).toHaveLength(4);
      await succeed({ verb: 'nft.delete', elements: publish.elements });
      await world.kernel.perform([publish, flush(udp)], true);
      expect(world.flowsTo(here)).toEqual([5000, 5003]);
      await succeed({ verb: 'nft.delete', elements: publish.elements });
    });
  });
});
