import { describe, expect, it } from 'vitest';
import { type ContainerContext, containerMachine } from '../../machines/container/chart.ts';
import type { ActorAddress } from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { ContainerWish } from '../../src/core/container/wish.ts';
import { wishOf } from '../core/samples.ts';
import { grantsFor, wishes } from './terrains/container.ts';
import { applied, asking, begin, failed, recovered, type Snapshot } from './walk.ts';

/** Containers that share a namespace, and its owner: the messages between them, in every order. */

type At = Snapshot<ContainerContext>;
const { reach, step } = asking<ContainerContext>(containerMachine);

const start: At = begin(containerMachine, { id: 'web', netnsDirectory: '/netns', attempt: 0 });
const setUp = (wish: ContainerWish | null): ActorEvent => ({ type: 'container.setup', command: 'c1', wish });
const setupDone = applied('setup', [{ netns: { path: '/netns/netloom-web', inode: 7 } }]);
const granted = (from: At): At => reach(from, ...grantsFor(from.context));
const up = (wish: ContainerWish, from = start): At => reach(granted(reach(from, setUp(wish))), setupDone);
const tearDown: ActorEvent = { type: 'container.teardown', command: 'c9', force: true };
const remove: ActorEvent = { type: 'container.remove', command: 'c9', from: null, force: true };
const joined = (container = 'job', inode = 7): ActorEvent => ({ type: 'netns.joined', container, inode });
const release = (container = 'job'): ActorEvent => ({ type: 'netns.release', container });
const suspected: ActorEvent = { type: 'drift.suspected' };
const started: ActorEvent = { type: 'container.started', command: 'c9', pid: 7 };
const gone = failed('verify', { code: 'netns.gone' });
const looks = (lines: string[]) => lines.filter((line) => line.endsWith('drift.suspected'));

const owner = up(wishes.kept);
const lookAt = (...ids: string[]) => ids.map((id) => `tell container/${id} drift.suspected`);

describe('P11 the owner of a shared namespace', () => {
  it('P11 asks its members to verify their namespace after it is unpinned, and not before', () => {
    const shared = reach(owner, joined(), joined('other'), joined());
    for (const leaving of [tearDown, remove]) {
      expect(looks(step(shared, leaving))).toEqual([]);
      expect(looks(step(shared, leaving, applied('teardown')))).toEqual(lookAt('other', 'job'));
    }
    const lost = reach(shared, suspected, gone);
    expect(looks(step(lost, applied('teardown')))).toEqual(lookAt('other', 'job'));
  });

  it('P11 asks its members when its teardown fails, and again when the teardown is repeated', () => {
    const failing = reach(owner, joined(), tearDown);
    expect(looks(step(failing, failed('teardown')))).toEqual(lookAt('job'));
    const again = reach(failing, failed('teardown'), tearDown);
    expect(looks(step(again, applied('teardown')))).toEqual(lookAt('job'));
  });

  it('P11 asks its members when it is torn down with its process', () => {
    const last = reach(up(wishes.bridge), started, joined());
    const ended: ActorEvent = { type: 'process.exited', pid: 7 };
    expect(looks(step(last, ended, applied('teardown')))).toEqual(lookAt('job'));
  });

  it('P11 does not ask members that have released the namespace', () => {
    const one = reach(owner, joined(), joined('other'), release());
    expect(looks(step(one, tearDown, applied('teardown')))).toEqual(lookAt('other'));
  });

  it('P11 asks a member that joins too late to verify its namespace', () => {
    const leaving = reach(owner, tearDown);
    const unpinned = reach(leaving, applied('teardown'));
    const after = reach(unpinned, applied('unlink'));
    const failing = reach(start, setUp(wishes.none), failed('setup'));
    const anew = reach(after, setUp(null));
    for (const from of [start, leaving, unpinned, after, failing, anew])
      expect(looks(step(from, joined()))).toEqual(lookAt('job'));
    expect(looks(step(owner, joined()))).toEqual([]);
    // the member has the namespace of an earlier set-up
    expect(looks(step(owner, joined('job', 5)))).toEqual(lookAt('job'));
  });

  it('P11 asks only containers that have joined, and accepts the release of an unknown one', () => {
    expect(looks(step(owner, tearDown, applied('teardown')))).toEqual([]);
    expect(step(owner, release())).toEqual(['up.configured']);
    const known = reach(owner, release(), joined());
    expect(looks(step(known, tearDown, applied('teardown')))).toEqual(lookAt('job'));
  });
});

describe('P11 a container that shares a namespace', () => {
  const claiming = reach(start, setUp(wishes.shared));
  const sharing = (owner: ActorAddress<'container'> = 'container/db') =>
    reach(claiming, {
      type: 'netns.shared',
      attempt: claiming.context.attempt,
      share: { path: '/netns/netloom-db', status: {}, owner },
    });
  const member = reach(sharing(), setupDone);

  it('P11 joins the owner when it is up, and releases the namespace when it ends', () => {
    expect(step(sharing(), setupDone)).toContain('tell container/db netns.joined');
    expect(step(sharing(), failed('setup'))).toContain('tell container/db netns.release');
    const leaving = reach(member, tearDown, applied('teardown'));
    expect(step(leaving, applied('unlink'))).toContain('tell container/db netns.release');
    expect(step(member, recovered(true))).toContain('tell container/db netns.release');
    // it shares the namespace through a container that shares it as well
    expect(step(sharing('container/pod'), setupDone)).toContain('tell container/pod netns.joined');
  });

  it('P11 does not release a namespace that it was not granted', () => {
    const refused: ActorEvent = {
      type: 'claim.refused',
      attempt: claiming.context.attempt,
      fault: { code: 'netns.gone', message: 'container db has no network namespace to share' },
    };
    expect(step(claiming, refused).filter((line) => line.includes('netns.'))).toEqual(['reply c1 netns.gone']);
  });

  it('P11 is lost when a verification finds that its namespace is gone, whether it is running or not', () => {
    for (const from of [member, reach(member, started)]) {
      const looking = reach(from, suspected);
      expect(step(looking, gone)).toEqual(expect.arrayContaining(['announce lost', 'apply teardown']));
      const lost = reach(looking, gone, applied('teardown'), applied('unlink'));
      expect(lost.value).toBe('created');
      expect(lost.context).toMatchObject({ inode: null, share: null, lastFault: { code: 'netns.gone' } });
    }
  });

  it('P11 does not change when a verification finds its namespace', () => {
    expect(step(reach(member, suspected), applied('verify'))).toEqual(['up.configured', 'reply null ok']);
  });

  it('P11 ignores suspected drift during its set-up, and joins the owner afterwards', () => {
    expect(step(sharing(), suspected)).toEqual(['building']);
    expect(step(reach(sharing(), suspected), setupDone)).toContain('tell container/db netns.joined');
  });

  it('P11 joins again only after a restart of the daemon, and not after another verification', () => {
    const restarted = reach(member, recovered(false));
    expect(step(restarted, applied('verify'))).toContain('tell container/db netns.joined');
    const looking = reach(restarted, applied('verify'), suspected);
    expect(step(looking, applied('verify')).filter((line) => line.includes('netns.'))).toEqual([]);
  });

  it('P11 asks members of its own, recorded by an older version, to verify their namespace', () => {
    const chain = reach(member, joined('third'), suspected, gone);
    expect(looks(step(chain, applied('teardown')))).toEqual(lookAt('third'));
  });

  it('P11 joins no owner when it has its own namespace', () => {
    const claimed = granted(reach(start, setUp(wishOf({ networks: [{ network: 'demo' }] }))));
    expect(step(claimed, setupDone).filter((line) => line.includes('netns.'))).toEqual([]);
    expect(step(reach(owner, recovered(false)), applied('verify')).filter((line) => line.includes('netns.'))).toEqual(
      [],
    );
  });
});
