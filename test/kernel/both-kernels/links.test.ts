import { describe, expect, it } from 'vitest';
import { bridgeAlias, vethAlias } from '../../../src/core/object-names.ts';
import { namespaceSettings } from '../../../src/core/plan/interface-settings.ts';
import type { MadeBridge } from '../../../src/core/steps/link.ts';
import type { Step } from '../../../src/core/steps/step.ts';
import {
  addBridge,
  addVeth,
  bridge,
  create,
  describeKernels,
  gone,
  netns,
  refused,
  remove,
  succeed,
  up,
  veth,
  world,
} from './kernels.ts';

describeKernels(() => {
  describe('links', () => {
    it('links are set up, enslaved and named by an alias; setting them again changes nothing', async () => {
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

    it('links cannot be set when they do not exist: ENODEV', async () => {
      expect(await refused(up(veth, null))).toMatchObject({ errno: 'ENODEV' });
      expect(await refused(create(), up('eth0', netns))).toMatchObject({ index: 1, errno: 'ENODEV' });
    });

    it('links cannot be attached to a master that does not exist: ENODEV', async () => {
      expect(
        await refused(create(), addVeth(), { verb: 'link.set', netns: null, name: veth, master: 'nowhere' }),
      ).toMatchObject({ index: 2, errno: 'ENODEV' });
    });

    it('links reject IPv6 settings when their MTU has no room for IPv6: EAFNOSUPPORT', async () => {
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

    it('links get the requested settings: differences are reported once, and not on repetition', async () => {
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

    it('links have no IPv6 settings when their MTU has no room for IPv6, and none at all when they do not exist: ENODEV', async () => {
      await succeed(create(), { ...addVeth(), mtuBytes: 1279 } as Step);
      const settings = { acceptRa: 0 };
      expect(await succeed({ verb: 'link.ipv6', netns, name: 'eth0', settings })).toEqual([{ drifted: [] }]);
      expect(await refused({ verb: 'link.ipv6', netns, name: 'eth9', settings })).toMatchObject({ errno: 'ENODEV' });
    });

    it('links are restored after changes by another program, and the found values are reported', async () => {
      await succeed(addBridge());
      const set: Step = { verb: 'link.set', netns: null, name: bridge, ipv4: { rpFilter: 2 } };
      await succeed(set);
      world.rpFilter(bridge, null, 1);
      const { changed, outputs } = await world.kernel.perform([set], true);
      expect(changed).toEqual([0]);
      expect(outputs[0]?.drifted).toEqual([{ key: `net.ipv4.conf.${bridge}.rp_filter`, found: '1', wanted: '2' }]);
      expect((await world.kernel.perform([set], true)).changed).toEqual([]);
    });

    it('links of a bridge are kept in a file, until they are forgotten', async () => {
      const traits = { internal: false, hasIpv6: true };
      await succeed({ verb: 'settings.persist', link: bridge, traits });
      await succeed({ verb: 'settings.persist', link: bridge, traits });
      expect(world.settingsFiles()).toContain(bridge);
      await succeed({ verb: 'settings.forget', link: bridge });
      await succeed({ verb: 'settings.forget', link: bridge });
      expect(world.settingsFiles()).not.toContain(bridge);
    });

    it('links cannot be set in a namespace that is gone: ENOENT; deleting them succeeds', async () => {
      expect(await refused(up('eth0', netns))).toMatchObject({ errno: 'ENOENT', detail: netns });
      await succeed({ verb: 'link.delete', netns, name: 'eth0' });
    });

    it('links have counters, loopback left out', async () => {
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

    it('links have no counters in a namespace that is gone: ENOENT', () => {
      expect(() => world.kernel.statistics(netns, [])).toThrow(expect.objectContaining({ errno: 'ENOENT' }));
    });
  });

  describe('the removal of a link', () => {
    it('the removal of a link waits while the kernel removes the link with its namespace', async () => {
      await succeed(create(), addVeth());
      await succeed(remove(), gone(2_000));
      expect(world.link(veth)).toBeNull();
    });

    it('the removal of a link deletes a link by force that still exists after the grace period', async () => {
      await succeed(create(), addVeth(), gone(10));
      expect(world.link(veth)).toBeNull();
      expect(world.linkNames(netns)).toEqual(['lo']);
    });

    it('the removal of a link deletes a link at once without a grace period', async () => {
      await succeed(create(), addVeth(), gone(0));
      expect(world.link(veth)).toBeNull();
    });

    it('the removal of a link succeeds for a link that does not exist', async () => {
      await succeed(gone(2_000), gone(0));
    });

    const ofBridge = (more: Partial<MadeBridge> = {}): Step => ({
      verb: 'link.delete',
      netns: null,
      name: bridge,
      bridge: { macAddresses: ['02:00:00:00:00:01'], network: 'network/blue', ...more },
    });

    it('the removal of a link leaves a bridge with another MAC address alone', async () => {
      await succeed(addBridge(), ofBridge({ macAddresses: ['02:00:00:00:00:02'] }));
      expect(world.link(bridge)).toMatchObject({ kind: 'bridge' });
      await succeed(ofBridge({ macAddresses: ['02:00:00:00:00:02', '02:00:00:00:00:01'] }));
      expect(world.link(bridge)).toBeNull();
    });

    it("the removal of a link leaves another network's bridge alone, unless VLANs share it", async () => {
      const named = (alias: string): Step => ({ verb: 'link.set', netns: null, name: bridge, alias });
      await succeed(addBridge(), named(bridgeAlias('red')), ofBridge());
      expect(world.link(bridge)).toMatchObject({ kind: 'bridge' });
      await succeed(ofBridge({ shared: true }));
      expect(world.link(bridge)).toBeNull();
      for (const alias of [bridgeAlias('blue'), 'a note of the user']) {
        await succeed(addBridge(), named(alias), ofBridge());
        expect(world.link(bridge)).toBeNull();
      }
    });

    it('the removal of a link leaves a bridge alone while containers of other networks are its ports', async () => {
      const port = (network: string): Step => ({
        verb: 'link.set',
        netns: null,
        name: veth,
        master: bridge,
        alias: vethAlias('web', network),
      });
      await succeed(addBridge(), create(), addVeth(), port('red'), ofBridge(), ofBridge({ network: null }));
      expect(world.link(bridge)).toMatchObject({ kind: 'bridge' });
      await succeed(port('blue'), ofBridge({ network: null }));
      expect(world.link(bridge)).toMatchObject({ kind: 'bridge' });
      await succeed(ofBridge());
      expect(world.link(bridge)).toBeNull();
    });

    it('the removal of a link leaves a bridge of VLANs alone while it has addresses', async () => {
      const removal = ofBridge({ shared: true });
      const addresses = ['10.44.7.1/24', 'fd00:44::1/64'].map(
        (address): Step => ({ verb: 'address.add', netns: null, link: bridge, address }),
      );
      const without = addresses.map((step) => ({ ...step, verb: 'address.delete' }) as Step);
      await succeed(addBridge(), up(bridge, null), ...addresses, removal, without[0] as Step, removal);
      expect(world.link(bridge)).toMatchObject({ kind: 'bridge' });
      // what is removed in the same plan does not count
      await succeed(...without, removal, removal);
      expect(world.link(bridge)).toBeNull();
      await succeed(addBridge(), up(bridge, null), ...addresses, ofBridge());
      expect(world.link(bridge)).toBeNull();
    });

    it('the removal of a link does not take a link that left its bridge for a removed one', async () => {
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

    it('the removal of a link lets several callers wait for one link at the same time', async () => {
      await succeed(create(), addVeth());
      const waiting = Promise.all([succeed(gone(2_000)), succeed(gone(2_000))]);
      await succeed(remove());
      await waiting;
      expect(world.link(veth)).toBeNull();
    });
  });
});
