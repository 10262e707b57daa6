import { describe, expect, it } from 'vitest';
import type { Step } from '../../../src/core/steps/step.ts';
import {
  addBridge,
  addVeth,
  bridge,
  create,
  describeKernels,
  netns,
  perform,
  refused,
  remove,
  succeed,
  up,
  veth,
  world,
} from './kernels.ts';

describeKernels(() => {
  describe('bridges', () => {
    it('bridges are made with the requested MAC and MTU, and making them again changes nothing', async () => {
      const step = { ...addBridge(), mtuBytes: 1400 } as Step;
      await succeed(step, step);
      expect(world.link(bridge)).toMatchObject({
        kind: 'bridge',
        macAddress: '02:00:00:00:00:01',
        mtuBytes: 1400,
        up: false,
      });
    });

    it('bridges have the smallest MTU of their ports, and the default of a bridge without ports', async () => {
      const join: Step = { verb: 'link.set', netns: null, name: veth, master: bridge };
      const narrow = { ...addVeth(), mtuBytes: 1300 } as Step;
      await succeed({ ...addBridge(), mtuBytes: 1400 } as Step, create(), narrow, join);
      expect(world.link(bridge)?.mtuBytes).toBe(1300);
      await succeed({ verb: 'link.delete', netns: null, name: veth });
      expect(world.link(bridge)?.mtuBytes).toBe(1500);
    });

    it('bridges do not take the name of another kind of link: EEXIST, with an explanation', async () => {
      world.addForeignVeth(bridge);
      expect(await refused(addBridge())).toMatchObject({
        errno: 'EEXIST',
        detail: `interface ${bridge} already exists but is a veth interface`,
      });
      expect(world.link(bridge)).toMatchObject({ kind: 'veth', up: false });
      world.deleteLink(bridge);
    });

    it('bridges stop the plan when their name is taken: the existing link is not touched', async () => {
      world.addForeignVeth(bridge);
      expect(await perform(addBridge(), up(bridge, null))).toMatchObject({ done: [], failure: { index: 0 } });
      expect(world.link(bridge)).toMatchObject({ up: false });
      world.deleteLink(bridge);
    });

    it('bridges are deleted, and may be deleted again', async () => {
      await succeed(
        addBridge(),
        { verb: 'link.delete', netns: null, name: bridge },
        { verb: 'link.delete', netns: null, name: bridge },
      );
      expect(world.link(bridge)).toBeNull();
    });
  });

  describe('veths', () => {
    it('veths have one end on the host and one in the namespace', async () => {
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

    it('veths change nothing when made again', async () => {
      await succeed(create(), addVeth(), addVeth());
      expect(world.linkNames(netns).sort()).toEqual(['eth0', 'lo']);
    });

    it('veths need an existing namespace: ENOENT, and no end is made', async () => {
      expect(await refused(addVeth())).toMatchObject({ errno: 'ENOENT' });
      expect(world.link(veth)).toBeNull();
    });

    it('veths do not take the name of another kind of link: EEXIST, with an explanation', async () => {
      await succeed(create(), addBridge(veth));
      expect(await refused(addVeth())).toMatchObject({
        errno: 'EEXIST',
        detail: `interface ${veth} already exists but is a bridge interface`,
      });
    });

    it('B03 veths do not take a name that is used within the namespace: EEXIST, with an explanation', async () => {
      await succeed(create(), addVeth());
      expect(await refused(addVeth(`${veth}b`))).toMatchObject({
        errno: 'EEXIST',
        detail: `interface eth0 already exists in ${netns}`,
      });
      expect(world.link(`${veth}b`)).toBeNull();
    });

    it('veths are not confused with a veth that leads elsewhere: EEXIST, with an explanation', async () => {
      world.addForeignVeth(veth);
      await succeed(create());
      expect(await refused(addVeth())).toMatchObject({
        errno: 'EEXIST',
        detail: `interface ${veth} already exists but does not lead to ${netns}`,
      });
      world.deleteLink(veth);
    });

    it('C15 veths are refused when another link has their name, and later steps do not touch that link: EEXIST', async () => {
      world.addForeignVeth(veth);
      await succeed(create(), addBridge());
      const enslave: Step = { verb: 'link.set', netns: null, name: veth, master: bridge, up: true, alias: 'ours' };
      expect(await refused(addVeth(), enslave)).toMatchObject({ index: 0, errno: 'EEXIST' });
      expect(world.link(veth)).toMatchObject({ master: null, up: false });
      world.deleteLink(veth);
    });

    it('C15 veths can check a name first: free, their own, or EEXIST with an explanation', async () => {
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

    it('C15 veths are deleted by name and alias: a link with another alias stays', async () => {
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
      // a new one without an alias yet, and one with an alias
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

    it('veths are deleted with both ends', async () => {
      await succeed(create(), addVeth(), { verb: 'link.delete', netns: null, name: veth });
      expect(world.link(veth)).toBeNull();
      expect(world.linkNames(netns)).toEqual(['lo']);
    });
  });
});
