import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Effect } from '../../machines/effect.ts';
import { ActorSystem } from '../../src/actors/actor-system.ts';
import { type Answer, type Commit, type Committed, Journal } from '../../src/actors/journal.ts';
import { containerAddress, hostAddress, networkAddress } from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { type NetworkWish, networkWish } from '../../src/core/network/wish.ts';
import { isNoRoom, isStorageFull, storageFull } from '../../src/files/free-space.ts';
import { mostFacts } from '../../src/files/outbox-limits.ts';
import { FakeKernel } from '../support/fake-kernel.ts';
import { FakeLinux } from '../support/fake-linux.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';
import { keepReply } from '../support/kept-replies.ts';
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

it('B02 a decision without room in the journal is made once there is room, once, and before later ones', async () => {
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

it('B02 the journal writes on reserved pages while the disk is full, reports when they are used up, and continues with room', async () => {
  const disk = new SmallDisk('tmpfs', 16);
  undo.push(() => disk.remove());
  const journal = new Journal(disk.path);
  undo.push(() => journal.close());
  const reserved = journal.keepReserve();
  expect(reserved).toBeGreaterThanOrEqual(4 * 2 ** 20);
  // pages freed by a commit are used by the commit after the next
  for (let commit = 0; commit < 3; commit++) keepReply(journal, `once ${commit}`, { id: 'web' });
  disk.fill();
  let kept = 0;
  const keepAll = () => {
    for (; kept < 10_000; kept++) keepReply(journal, `kept ${kept}`, { id: 'x'.repeat(1_000) });
  };
  expect(keepAll).toThrow('its file system is full');
  expect(kept).toBeGreaterThan(1_000);
  expect(journal.replyTo(`kept ${kept - 1}`)?.output).toEqual({ id: 'x'.repeat(1_000) });
  expect(journal.replyTo(`kept ${kept}`)).toBeNull();
  try {
    keepReply(journal, 'kept later', { id: 'web' });
  } catch (error) {
    expect(isStorageFull(error)).toBe(true);
  }
  disk.makeRoom();
  keepReply(journal, 'kept later', { id: 'web' });
  expect(journal.replyTo('kept later')?.output).toEqual({ id: 'web' });
});

const web = containerAddress('web');
const record = (turn: number) => ({ value: 'up', context: { turn } });
const facts = (count: number, text = ''): Effect[] =>
  Array.from({ length: count }, () => ({ kind: 'announce', fact: 'drift-healed', data: { steps: [text] } }));
const commit = (journal: Journal, effects: Effect[], turn = 0): Committed =>
  journal.commit({ address: web, record: record(turn), previous: null, consumed: null, completed: null, effects });

it('B01 waiting facts are bounded; left-out facts are counted, and reported when there is room again', () => {
  const directory = temporaryDirectory();
  undo.push(() => directory.remove());
  const journal = new Journal(directory.path);
  undo.push(() => journal.close());
  expect(journal.reportLeftOut()).toBe(false);
  for (let kept = 0; kept < mostFacts; kept += 1_000) expect(commit(journal, facts(1_000)).announced).toBe(true);
  expect(journal.pending()).toBe(mostFacts);
  expect(commit(journal, facts(3), 1).announced).toBe(false);
  expect(journal.actor(web)).toEqual(record(1));
  expect(commit(journal, facts(2)).announced).toBe(false);
  expect(journal.reportLeftOut()).toBe(false);
  expect([journal.pending(), journal.lastSequence()]).toEqual([mostFacts, mostFacts]);

  journal.removeThrough(10);
  expect(journal.pending()).toBe(mostFacts - 10);
  expect(journal.reportLeftOut()).toBe(true);
  expect(journal.reportLeftOut()).toBe(false);
  const time = expect.stringMatching(/^\d{4}-.*Z$/);
  expect(journal.after(mostFacts, 10)).toEqual([
    {
      sequence: mostFacts + 1,
      source: hostAddress,
      fact: 'events-left-out',
      data: { count: 5, since: time, until: time, state: 'absent' },
      time,
    },
  ]);
  expect(commit(journal, facts(1)).announced).toBe(true);
  journal.removeThrough(mostFacts + 2);
  expect([journal.pending(), journal.lastSequence()]).toEqual([0, mostFacts + 2]);
});

it('B02 facts are left out when there is little room, so that decisions continue, and are reported with the next one', () => {
  const disk = new SmallDisk('tmpfs', 16);
  undo.push(() => disk.remove());
  const journal = new Journal(disk.path);
  undo.push(() => journal.close());
  journal.keepReserve();
  for (let turn = 0; turn < 3; turn++) commit(journal, []);
  disk.fill();
  let turn = 0;
  while (commit(journal, facts(1, 'x'.repeat(1_000)), ++turn).announced) expect(turn).toBeLessThan(10_000);
  const told = journal.lastSequence();
  expect(told).toBe(turn - 1);
  expect(told).toBeGreaterThan(500);
  // far more than there would be room for
  for (let more = 0; more < 5_000; more++) commit(journal, facts(1, 'x'.repeat(1_000)), ++turn);
  expect(journal.actor(web)).toEqual(record(turn));
  expect(journal.lastSequence()).toBe(told);
  expect(journal.reportLeftOut()).toBe(false);
  disk.makeRoom();
  expect(commit(journal, facts(1)).announced).toBe(true);
  expect(journal.after(told, 10).map(({ fact, data }) => [fact, 'count' in data ? data.count : undefined])).toEqual([
    ['events-left-out', 5_001],
    ['drift-healed', undefined],
  ]);
});

it('B02 a full journal refuses new entries, however often, and facts can still be removed from it', async () => {
  const disk = new SmallDisk('tmpfs', 16);
  undo.push(() => disk.remove());
  const journal = new Journal(disk.path);
  undo.push(() => journal.close());
  journal.keepReserve();
  commit(journal, facts(300, 'x'.repeat(1_000)));
  disk.fill();
  const keep = () => keepReply(journal, `kept ${performance.now()}`, { id: 'x'.repeat(1_000) });
  expect(() => {
    for (;;) keep();
  }).toThrow('its file system is full');
  for (let again = 0; again < 1_000; again++) expect(keep).toThrow('its file system is full');
  // each thread opens it for itself
  const another = new Journal(disk.path);
  expect(another.epoch).toBe(journal.epoch);
  await another.close();
  for (let sequence = 10; sequence <= 300; sequence += 10) journal.removeThrough(sequence);
  expect(journal.pending()).toBe(0);
  commit(journal, [], 1);
  expect(journal.actor(web)).toEqual(record(1));
});

it('B02 a map of the journal that cannot grow counts as no room, too', () => {
  expect(isNoRoom(Object.assign(new Error('MDB_MAP_FULL'), { code: -30_792 }), '/proc')).toBe(true);
});
