import { describe, expect, it } from 'vitest';
import type { Step } from '../../../src/core/steps/step.ts';
import { definitionOf } from '../../core/samples.ts';
import {
  addBridge,
  addVeth,
  bridge,
  create,
  describeKernels,
  netns,
  perform,
  remove,
  succeed,
  up,
  world,
} from './kernels.ts';

describeKernels(() => {
  describe('a host without firewalld', () => {
    it('a host without firewalld trusts no link, and does not fail', async () => {
      for (const verb of ['firewalld.trust', 'firewalld.distrust'] as const) {
        const { failure, changed } = await perform({ verb, subnets: ['10.89.0.0/24'] });
        expect(failure).toBeNull();
        if (verb === 'firewalld.trust') expect(changed).toEqual([]);
      }
    });
  });

  describe('definitions', () => {
    it('definitions are written, replaced and removed, also twice', async () => {
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
    it('the host lists the subnets and names in use', async () => {
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

    it('the host lists its links with their owners', async () => {
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

    it('the host reports that it has no uplink, as in these tests', () => {
      expect(world.kernel.hostIp()).toBeNull();
    });
  });

  it('stops a plan at its first failure and reports what was done', async () => {
    const { done, outputs, failure } = await perform(create(), up('nothing', netns), addVeth(), remove());
    expect(failure).toMatchObject({ index: 1, errno: 'ENODEV', op: expect.any(String) });
    expect(done[0]).toBe(0);
    expect(done).not.toContain(3);
    expect(outputs).toHaveLength(done.length);
    expect(world.isPinned(netns)).toBe(true);
  });

  it('completes an empty plan', async () => {
    expect(await perform()).toEqual({ outputs: [], done: [], changed: [], failure: null });
  });
});
