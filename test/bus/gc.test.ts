import { describe, expect, it } from 'vitest';
import { runGc } from '../../src/bus/commands/gc.ts';
import { fault, NetloomError } from '../../src/core/fault.ts';
import type { GcResult } from '../../src/core/gc.ts';
import type { Step } from '../../src/core/steps/step.ts';
import type { ContainerView } from '../../src/core/view.ts';
import { containerViewOf } from '../core/samples.ts';
import { FakeEngine } from './support.ts';

/** Which containers `gc --unstarted` treats as never started, and what it sends to the host. */

const viewOf = (id: string, inode: number): ContainerView =>
  containerViewOf({ id, mode: 'none', state: 'configured', netns: { path: `/netns/${id}`, inode }, owner: 'engine' });

const steps: Step[] = [{ verb: 'link.delete', netns: null, name: 'lost0' }];
const found: Pick<GcResult, 'leftovers' | 'doubtful'> = {
  leftovers: [{ kind: 'link', name: 'lost0', owner: 'network/lost' }],
  doubtful: [{ kind: 'link', name: 'other0', owner: 'container/theirs' }],
};

/** One leftover and configured containers, and the reply of the host. */
class Host extends FakeEngine {
  constructor(
    private readonly ids: string[],
    private readonly inhabited: ReadonlySet<number> = new Set(),
  ) {
    super();
    this.answer = () => reply;
  }
  override containers() {
    return { ...super.containers(), containers: this.ids.map((id, index) => viewOf(id, index + 1)) };
  }
  override async inhabitedNamespaces() {
    return this.inhabited;
  }
  override async findLeftovers() {
    return { steps, found };
  }
}

const command = { id: 'm1', kept: true };
const reply: GcResult = { ...found, dryRun: false, failed: [], unstarted: [] };
const unstartedOf = (id: string) => ({ id, name: id, owner: 'engine' });

describe('P18 gc --unstarted', () => {
  it('P18 gc --unstarted is one event of the host, with all that was found', async () => {
    const host = new Host(['left', 'stuck', 'started', 'lived-in'], new Set([4]));
    expect(await runGc(host, { unstarted: true }, command)).toBe(reply);
    const unstarted = ['left', 'stuck', 'started'].map(unstartedOf);
    expect(host.sent).toEqual([
      { to: 'host', command, event: { type: 'node.gc', command: 'm1', steps, found, unstarted } },
    ]);
  });

  it('P18 gc without --unstarted looks for no containers', async () => {
    const host = new Host(['left']);
    await runGc(host, {}, command);
    expect(host.sent).toMatchObject([{ event: { steps, unstarted: [] } }]);
  });

  it('P18 gc --unstarted removes nothing in a dry run, or when it cannot see where processes live', async () => {
    const host = new Host(['left']);
    expect(await runGc(host, { unstarted: true, dryRun: true }, command)).toEqual({
      ...found,
      dryRun: true,
      failed: [],
      unstarted: [unstartedOf('left')],
    });
    const blind = new Host(['left']);
    blind.inhabitedNamespaces = () => Promise.reject(new NetloomError(fault('kernel.refused', 'processes are hidden')));
    await expect(runGc(blind, { unstarted: true }, command)).rejects.toMatchObject({
      fault: { code: 'kernel.refused' },
    });
    expect([...host.sent, ...blind.sent]).toEqual([]);
  });
});
