import { describe, expect, it } from 'vitest';
import { type ContainerContext, containerMachine } from '../../machines/container/chart.ts';
import type { ActorAddress } from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { ContainerWish } from '../../src/core/container/wish.ts';
import { wishOf } from '../core/samples.ts';
import { grantsFor, wishes } from './terrains.ts';
import { applied, asking, begin, failed, recovered, type Snapshot } from './walk.ts';

/** Containers that share a namespace, and its owner: what they learn of each other, in whichever order it comes. */

type At = Snapshot<ContainerContext>;
const { reach, step } = asking<ContainerContext>(containerMachine);

const start: At = begin(containerMachine, { id: 'web', netnsDirectory: '/netns', attempt: 0 });
const setUp = (wish: ContainerWish | null): ActorEvent => ({ type: 'container.setup', command: 'c1', wish });
const setupDone = applied('setup', [{ netns: { path: '/netns/netloom-web', inode: 7 } }]);
const granted = (from: At): At => reach(from, ...grantsFor(from.context));
const up = (wish: ContainerWish, from = start): At => reach(granted(reach(from, setUp(wish))), setupDone);
const down = (type: 'container.teardown' | 'container.remove'): ActorEvent => ({ type, command: 'c9', force: true });
const joined = (container = 'job', inode = 7): ActorEvent => ({ type: 'netns.joined', container, inode });
const release = (container = 'job'): ActorEvent => ({ type: 'netns.release', container });
const suspected: ActorEvent = { type: 'drift.suspected' };
const started: ActorEvent = { type: 'container.started', command: 'c9', pid: 7 };
const gone = failed('verify', { code: 'netns.gone' });
const looks = (lines: string[]) => lines.filter((line) => line.endsWith('drift.suspected'));

const owner = up(wishes.kept);
const lookAt = (...ids: string[]) => ids.map((id) => `tell container/${id} drift.suspected`);

describe('P11 the owner of a namespace that goes', () => {
  it('P11 makes its members look at their namespace once that has been unpinned, and not before', () => {
    const shared = reach(owner, joined(), joined('other'), joined());
    for (const leaving of [down('container.teardown'), down('container.remove')]) {
      expect(looks(step(shared, leaving))).toEqual([]);
      expect(looks(step(shared, leaving, applied('teardown')))).toEqual(lookAt('other', 'job'));
    }
    const lost = reach(shared, suspected, gone);
    expect(looks(step(lost, applied('teardown')))).toEqual(lookAt('other', 'job'));
  });

  it('P11 does so, too, where its teardown failed, and again when that is repeated', () => {
    const failing = reach(owner, joined(), down('container.teardown'));
    expect(looks(step(failing, failed('teardown')))).toEqual(lookAt('job'));
    const again = reach(failing, failed('teardown'), down('container.teardown'));
    expect(looks(step(again, applied('teardown')))).toEqual(lookAt('job'));
  });

  it('P11 does so at the end of its process, where it goes with that', () => {
    const last = reach(up(wishes.bridge), started, joined());
    const ended: ActorEvent = { type: 'process.exited', pid: 7 };
    expect(looks(step(last, ended, applied('teardown')))).toEqual(lookAt('job'));
  });

  it('P11 leaves those alone that have given it back', () => {
    const one = reach(owner, joined(), joined('other'), release());
    expect(looks(step(one, down('container.teardown'), applied('teardown')))).toEqual(lookAt('other'));
  });

  it('P11 makes one look that joins when it is too late', () => {
    const leaving = reach(owner, down('container.teardown'));
    const unpinned = reach(leaving, applied('teardown'));
    const after = reach(unpinned, applied('unlink'));
    const failing = reach(start, setUp(wishes.none), failed('setup'));
    const anew = reach(after, setUp(null));
    for (const from of [start, leaving, unpinned, after, failing, anew])
      expect(looks(step(from, joined()))).toEqual(lookAt('job'));
    expect(looks(step(owner, joined()))).toEqual([]);
    // it has found the namespace of an earlier set-up
    expect(looks(step(owner, joined('job', 5)))).toEqual(lookAt('job'));
  });

  it('P11 asks no container to look that has not joined, and takes the release of one that it does not know', () => {
    expect(looks(step(owner, down('container.teardown'), applied('teardown')))).toEqual([]);
    expect(step(owner, release())).toEqual(['up.configured']);
    const known = reach(owner, release(), joined());
    expect(looks(step(known, down('container.teardown'), applied('teardown')))).toEqual(lookAt('job'));
  });
});

describe('P11 a container that shares a namespace', () => {
  const claiming = reach(start, setUp(wishes.shared));
  const sharing = (owner: ActorAddress = 'container/db') =>
    reach(claiming, {
      type: 'netns.shared',
      attempt: claiming.context.attempt,
      share: { path: '/netns/netloom-db', status: {}, owner },
    });
  const member = reach(sharing(), setupDone);

  it('P11 joins its owner when it is up, and gives the namespace back at its end', () => {
    expect(step(sharing(), setupDone)).toContain('tell container/db netns.joined');
    expect(step(sharing(), failed('setup'))).toContain('tell container/db netns.release');
    const leaving = reach(member, down('container.teardown'), applied('teardown'));
    expect(step(leaving, applied('unlink'))).toContain('tell container/db netns.release');
    expect(step(member, recovered(true))).toContain('tell container/db netns.release');
    // it shares it by a container that shares it itself
    expect(step(sharing('container/pod'), setupDone)).toContain('tell container/pod netns.joined');
  });

  it('P11 gives nothing back that it was not granted', () => {
    const refused: ActorEvent = {
      type: 'claim.refused',
      attempt: claiming.context.attempt,
      fault: { code: 'netns.gone', message: 'container db has no network namespace to share' },
    };
    expect(step(claiming, refused).filter((line) => line.includes('netns.'))).toEqual(['reply c1 netns.gone']);
  });

  it('P11 is lost when it looks and finds its namespace gone, whatever it does', () => {
    for (const from of [member, reach(member, started)]) {
      const looking = reach(from, suspected);
      expect(step(looking, gone)).toEqual(expect.arrayContaining(['announce lost', 'apply teardown']));
      const lost = reach(looking, gone, applied('teardown'), applied('unlink'));
      expect(lost.value).toBe('created');
      expect(lost.context).toMatchObject({ inode: null, share: null, lastFault: { code: 'netns.gone' } });
    }
  });

  it('P11 stays as it was when it looks and finds its namespace: its owner was not the one to remove it', () => {
    expect(step(reach(member, suspected), applied('verify'))).toEqual(['up.configured', 'reply null ok']);
  });

  it('P11 that was told during its set-up joins nevertheless, and looks then', () => {
    expect(step(sharing(), suspected)).toEqual(['building']);
    expect(step(reach(sharing(), suspected), setupDone)).toContain('tell container/db netns.joined');
  });

  it('P11 joins again after a restart of the daemon only: an answer to that leads to one more look, and no further', () => {
    const restarted = reach(member, recovered(false));
    expect(step(restarted, applied('verify'))).toContain('tell container/db netns.joined');
    const looking = reach(restarted, applied('verify'), suspected);
    expect(step(looking, applied('verify')).filter((line) => line.includes('netns.'))).toEqual([]);
  });

  it('P11 that has members of its own, of an older version, makes them look, too', () => {
    const chain = reach(member, joined('third'), suspected, gone);
    expect(looks(step(chain, applied('teardown')))).toEqual(lookAt('third'));
  });

  it('P11 that shares nothing joins nothing', () => {
    const claimed = granted(reach(start, setUp(wishOf({ networks: [{ network: 'demo' }] }))));
    expect(step(claimed, setupDone).filter((line) => line.includes('netns.'))).toEqual([]);
    expect(step(reach(owner, recovered(false)), applied('verify')).filter((line) => line.includes('netns.'))).toEqual(
      [],
    );
  });
});
