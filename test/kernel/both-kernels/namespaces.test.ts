import { describe, expect, it } from 'vitest';
import { containerAddress } from '../../../src/core/actor-address.ts';
import type { Step } from '../../../src/core/steps/step.ts';
import { count, create, describeKernels, facts, netns, refused, remove, succeed, until, world } from './kernels.ts';

describeKernels(() => {
  describe('namespaces', () => {
    it('namespaces are made with only loopback, and report their identity', async () => {
      const [output] = await succeed(create());
      expect(output).toEqual({ netns: { path: netns, inode: expect.any(Number) } });
      expect(world.isPinned(netns)).toBe(true);
      expect(world.linkNames(netns)).toEqual(['lo']);
    });

    it('namespaces stay the same when made again', async () => {
      expect(await succeed(create())).toEqual(await succeed(create()));
    });

    it('namespaces are gone after their removal, and may be removed again', async () => {
      await succeed(create(), remove(), remove());
      expect(world.isPinned(netns)).toBe(false);
    });

    it('namespaces can be required, also by identity', async () => {
      const [made] = await succeed(create());
      const inode = made?.netns?.inode ?? 0;
      expect(await succeed({ verb: 'netns.require', path: netns, inode: null })).toEqual([made]);
      expect(await succeed({ verb: 'netns.require', path: netns, inode })).toEqual([made]);
      expect(await refused({ verb: 'netns.require', path: netns, inode: inode + 1 })).toMatchObject({
        errno: 'ENOENT',
      });
    });

    it('namespaces fail the requirement when they are gone: ENOENT', async () => {
      expect(await refused({ verb: 'netns.require', path: netns, inode: null })).toMatchObject({
        index: 0,
        errno: 'ENOENT',
      });
    });

    it('C10 namespaces report their end once to their owner when they are watched; others do not', async () => {
      facts.length = 0;
      const [first, second, third] = ['x', 'y', 'z'].map((letter) => world.pin(`n${count}${letter}`)) as [
        string,
        string,
        string,
      ];
      const watch = (path: string, owner = containerAddress(path.slice(-1))): Step => ({
        verb: 'netns.watch',
        owner,
        path,
      });
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

    it('B02 namespaces of a process are pinned, and outlive it', async () => {
      const process = await world.startProcess();
      const adopt: Step = { verb: 'netns.adopt', path: netns, pid: process.pid };
      expect(await succeed(adopt)).toEqual(await succeed(adopt));
      await process.end();
      expect(world.linkNames(netns)).toEqual(['lo']);
      await succeed(remove());
      expect(world.isPinned(netns)).toBe(false);
    });

    it('P18 namespaces report whether a process lives in them', async () => {
      const process = await world.startProcess();
      const [pinned] = await succeed({ verb: 'netns.adopt', path: netns, pid: process.pid });
      const look: Step = { verb: 'netns.inhabited', path: netns, inode: pinned?.netns?.inode ?? 0 };
      expect(await succeed(look)).toEqual([{ inhabited: true }]);
      await process.end();
      expect(await succeed(look)).toEqual([{ inhabited: false }]);
      await succeed(remove());
    });

    it('B02 namespaces of a process that has ended cannot be adopted: ESRCH', async () => {
      const process = await world.startProcess();
      await process.end();
      expect(await refused({ verb: 'netns.adopt', path: netns, pid: process.pid })).toMatchObject({ errno: 'ESRCH' });
      expect(world.isPinned(netns)).toBe(false);
    });

    it("B03 namespaces cannot be adopted from a process in the host's own one, nor be confused with it: ENOTUNIQ", async () => {
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

    it('B02 namespaces at the same path are not confused with the namespace of a process: EEXIST', async () => {
      await succeed(create());
      const process = await world.startProcess();
      expect(await refused({ verb: 'netns.adopt', path: netns, pid: process.pid })).toMatchObject({ errno: 'EEXIST' });
      await process.end();
    });
  });
});
