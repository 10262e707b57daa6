import { beforeEach, describe, expect, it } from 'vitest';
import { containerAddress } from '../../src/core/actor-address.ts';
import { JournalViews } from '../../src/engine/journal-views.ts';
import { demo, type House, toContainer, toNetwork } from './house.ts';
import { housePerTest } from './house-per-test.ts';

/** Containers that share a namespace, and their state when it is gone. */

const pod = containerAddress('pod');
const member = containerAddress('member');
const further = containerAddress('further');
const up = (process: string) => ({ up: { process, wiring: 'settled' } });
const force = { type: 'container.remove', force: true };

let house: House;
housePerTest((next) => {
  house = next;
});

const inspect = (id: string) => new JournalViews(house.journal, house.directory.path).inspect(id);
const members = () => house.context(pod)?.members ?? [];

/** A namespace of `pod`, which `member` shares directly, and `further` by `member`. */
async function share(more: object = {}): Promise<void> {
  await house.ask(demo, toNetwork.create());
  await house.ask(pod, toContainer.setup({ id: 'pod', networks: [{ network: 'demo' }], ...more }));
  await house.ask(member, toContainer.setup({ id: 'member', mode: 'container:pod' }));
  await house.ask(further, toContainer.setup({ id: 'further', mode: 'container:member' }));
}

/** Shown as a container without networks that is not running. */
function expectLost(...ids: string[]): void {
  for (const id of ids) {
    const address = containerAddress(id);
    expect(house.facts(address)).toEqual(expect.arrayContaining(['lost', 'torn-down']));
    expect(house.value(address), id).toBe('created');
    expect(house.context(address)).toMatchObject({ inode: null, share: null, lastFault: { code: 'netns.gone' } });
    expect(inspect(id)).toMatchObject({ container: { netns: null, status: {} }, NetworkSettings: { Networks: {} } });
  }
}

describe.each([1, 3])('P11 the members of a namespace, with %i workers', (workers) => {
  beforeEach(() => house.start({ workers }));

  it.each([
    ['torn down', toContainer.teardown],
    ['removed', toContainer.remove],
  ])(
    'P11 the members of a namespace are lost when its owner is %s, also those that share it by another container',
    async (_, leave) => {
      await share();
      expect(members()).toEqual(['member', 'further']);
      expect((await house.ask(pod, leave)).fault).toBeUndefined();
      expectLost('member', 'further');
      expect(members()).toEqual([]);
    },
  );

  it('P11 the members of a namespace are lost although their processes run, when its owner is removed with force', async () => {
    await share();
    for (const address of [member, further]) {
      const netns = house.linux.netns('/netns/netloom-pod');
      const { pid } = house.linux.startProcess(netns ?? undefined);
      await house.ask(address, toContainer.started(pid));
    }
    expect((await house.ask(pod, toContainer.remove)).fault).toMatchObject({ code: 'container.running' });
    expect(members()).toEqual(['member', 'further']);
    expect((await house.ask(pod, force)).fault).toBeUndefined();
    expectLost('member', 'further');
  });

  it('P11 the members of a namespace are lost with an owner that is lost', async () => {
    await share();
    house.linux.unpin('/netns/netloom-pod');
    house.tell(pod, { type: 'drift.suspected' });
    await house.settle();
    expectLost('pod', 'member', 'further');
  });

  it('P11 the members of a namespace are lost, too, when it ends while they are being set up', async () => {
    await house.ask(demo, toNetwork.create());
    await house.ask(pod, toContainer.setup({ id: 'pod', networks: [{ network: 'demo' }] }));
    const ids = Array.from({ length: 12 }, (_, index) => `m${index}`);
    for (const [index, id] of ids.entries()) {
      house.say(containerAddress(id), toContainer.setup({ id, mode: 'container:pod' }));
      if (index === 6) house.say(pod, toContainer.remove);
    }
    await house.settle();
    for (const id of ids) expect(['created', 'failed']).toContain(house.value(containerAddress(id)));
  });

  it('P11 the members of a namespace stay when one of them is removed, and when a container is removed that does not own the namespace', async () => {
    await share();
    await house.ask(member, toContainer.remove);
    expect(house.value(further)).toEqual(up('configured'));
    expect(members()).toEqual(['further']);
    // it cannot be found by the container through which it was shared
    expect(Object.keys(inspect('further').NetworkSettings.Networks)).toEqual(['demo']);
    expect(Object.keys(inspect('further').container.status)).toEqual(['demo']);
    await house.ask(pod, toContainer.remove);
    expectLost('further');
  });

  it('P11 the members of a namespace stay in a namespace that netloom did not make, and are shown without networks', async () => {
    const foreign = house.linux.newNetns();
    house.linux.pin('/run/netns/blue', foreign);
    await share({ mode: 'ns:/run/netns/blue' });
    await house.ask(pod, toContainer.teardown);
    for (const address of [member, further]) {
      expect(house.value(address)).toEqual(up('configured'));
      expect(house.facts(address)).not.toContain('lost');
    }
    expect(inspect('member')).toMatchObject({
      container: { state: 'configured', netns: { path: '/run/netns/blue' }, status: {} },
      NetworkSettings: { SandboxKey: '/run/netns/blue', Networks: {} },
    });
    await house.ask(pod, toContainer.setupAgain);
    expect(Object.keys(inspect('member').NetworkSettings.Networks)).toEqual(['demo']);
    house.linux.unpin('/run/netns/blue');
    house.tell(pod, { type: 'drift.suspected' });
    await house.settle();
    expectLost('pod', 'member', 'further');
  });

  it('P11 the members of a namespace are known to the next daemon', async () => {
    await share();
    await house.crash();
    await house.start({ workers });
    await house.settle();
    expect(members().toSorted()).toEqual(['further', 'member']);
    await house.ask(pod, toContainer.remove);
    expectLost('member', 'further');
  });

  it('P11 the members of a namespace are lost at a reboot, as their owner is', async () => {
    await share();
    await house.reboot();
    await house.start({ workers });
    await house.settle();
    for (const address of [pod, member, further]) expect(house.value(address)).toBe('created');
    expect(members()).toEqual([]);
    await house.ask(pod, toContainer.setupAgain);
    expect((await house.ask(member, toContainer.setupAgain)).fault).toBeUndefined();
    expect(members()).toEqual(['member']);
  });
});
