import { afterEach, beforeEach, expect, it } from 'vitest';
import { ActorSystem } from '../../src/actors/actor-system.ts';
import { type Answer, type Commit, type Committed, Journal } from '../../src/actors/journal.ts';
import { hostAddress, networkAddress } from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/event.ts';
import { type NetworkWish, networkWish } from '../../src/core/network.ts';
import { isStorageFull, storageFull } from '../../src/storage/room.ts';
import { FakeKernel } from '../support/fake-kernel.ts';
import { FakeLinux } from '../support/fake-linux.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';
import { SmallDisk } from '../support/small-disk.ts';

/** Has no room for the next commits. */
class FullJournal extends Journal {
  refusals = 0;
  override commit(commit: Commit): Committed {
    if (this.refusals-- > 0) throw storageFull('full');
    return super.commit(commit);
  }
}

const undo: (() => unknown)[] = [];
beforeEach(() => undo.splice(0));
afterEach(async () => {
  for (const step of undo.reverse()) await step();
});

it('B02 a decision for which the journal has no room is made when it has, once, and before those behind it', async () => {
  const directory = temporaryDirectory();
  undo.push(() => directory.remove());
  const journal = new FullJournal(directory.path);
  undo.push(() => journal.close());
  const answers: Answer[] = [];
  const stalls: string[] = [];
  const outside = {
    deliver: () => expect.unreachable('one worker only'),
    committed: (committed: readonly Answer[]) => answers.push(...committed),
    unexpected: (...report: unknown[]) => expect.unreachable(String(report)),
    stalled: ({ message }: Error) => stalls.push(message),
  };
  const settings = { index: 0, workers: 1, netnsDirectory: '/netns', searchDomain: 'dns.netloom', node: 'testnode' };
  const system = new ActorSystem(journal, new FakeKernel(new FakeLinux()), outside, settings);
  undo.push(() => system.stop());
  system.restore();
  for (const kind of ['host', 'network', 'container', 'dhcp'] as const) system.wake(kind);
  await expect.poll(() => journal.actor(hostAddress)?.value).toBe('serving');

  journal.refusals = 3;
  const names = ['one', 'two', 'three'];
  for (const [index, name] of names.entries()) {
    const wish = networkWish({ name, subnets: [{ subnet: `10.9${index}.0.0/24` }] }) as NetworkWish;
    const event = { type: 'network.create', command: `once ${name}`, wish, created: '2026-01-01T00:00:00Z' } as const;
    system.deliver(journal.enqueue(networkAddress(name), event as ActorEvent));
  }
  await expect
    .poll(() => answers.map(({ command, fault }) => [command, fault]))
    .toEqual(names.map((name) => [`once ${name}`, undefined]));
  expect(stalls).toEqual(['full']);
  const created = journal.after(0, 100).filter(({ fact }) => fact === 'created');
  expect(created.map(({ source }) => source)).toEqual(names.map(networkAddress));
});

it('B02 the journal writes on pages of its own while the disk is full, says so when they are used up, and goes on with room', async () => {
  const disk = new SmallDisk('tmpfs', 16);
  undo.push(() => disk.remove());
  const journal = new Journal(disk.path);
  undo.push(() => journal.close());
  const reserved = journal.keepReserve();
  expect(reserved).toBeGreaterThanOrEqual(4 * 2 ** 20);
  // what a commit has freed is used by the one after the next
  for (let commit = 0; commit < 3; commit++) journal.keepReply(`once ${commit}`, {});
  disk.fill();
  let kept = 0;
  const keepAll = () => {
    for (; kept < 10_000; kept++) journal.keepReply(`kept ${kept}`, { text: 'x'.repeat(1_000) });
  };
  expect(keepAll).toThrow('its file system is full');
  expect(kept).toBeGreaterThan(1_000);
  expect(journal.replyTo(`kept ${kept - 1}`)?.output).toEqual({ text: 'x'.repeat(1_000) });
  expect(journal.replyTo(`kept ${kept}`)).toBeNull();
  try {
    journal.keepReply('kept later', {});
  } catch (error) {
    expect(isStorageFull(error)).toBe(true);
  }
  disk.makeRoom();
  journal.keepReply('kept later', {});
  expect(journal.replyTo('kept later')?.output).toEqual({});
});
