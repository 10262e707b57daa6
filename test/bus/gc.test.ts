import { describe, expect, it } from 'vitest';
import { runGc } from '../../src/bus/commands/gc.ts';
import { fault, NetloomError } from '../../src/core/fault.ts';
import type { Abandoned } from '../../src/core/gc.ts';
import type { ContainerView } from '../../src/core/view.ts';
import { containerViewOf } from '../core/samples.ts';
import { FakeEngine } from './support.ts';

/** Which containers `gc --unstarted` treats as never started, and what it reports of each. */

const viewOf = (id: string, inode: number): ContainerView =>
  containerViewOf({ id, mode: 'none', state: 'configured', netns: { path: `/netns/${id}`, inode }, owner: 'engine' });

/** Configured containers, and the reply of the host. */
class Host extends FakeEngine {
  readonly swept: string[] = [];
  constructor(
    private readonly ids: string[],
    answer: Abandoned = { removed: ids, failed: [] },
    private readonly inhabited: ReadonlySet<number> = new Set(),
  ) {
    super();
    this.answer = () => answer;
  }
  override containers() {
    return { ...super.containers(), containers: this.ids.map((id, index) => viewOf(id, index + 1)) };
  }
  override async inhabitedNamespaces() {
    return this.inhabited;
  }
  override async sweep(command: { id: string }, dryRun: boolean) {
    this.swept.push(command.id);
    return super.sweep({ ...command, kept: true }, dryRun);
  }
}

const command = { id: 'm1', kept: true };
const unstarted = { unstarted: true };
const removed = (id: string) => ({ id, name: id, owner: 'engine' });

describe('P18 gc --unstarted', () => {
  it('P18 gc --unstarted asks the host once for all containers, and reports what was removed and what could not be', async () => {
    const stuck = { step: 'container stuck', errno: null, detail: 'stuck does not go' };
    const answer = { removed: ['left'], failed: [stuck] };
    const host = new Host(['left', 'stuck', 'started', 'lived-in'], answer, new Set([4]));
    expect(await runGc(host, unstarted, command)).toMatchObject({ unstarted: [removed('left')], failed: [stuck] });
    expect(host.sent).toMatchObject([
      { to: 'host', event: { type: 'containers.abandon', ids: ['left', 'stuck', 'started'] } },
    ]);
  });

  it('P18 gc --unstarted sends its question under an ID of its own', async () => {
    const host = new Host(['left']);
    await runGc(host, unstarted, command);
    const ids = [...host.sent.map(({ command }) => command.id), ...host.swept];
    expect(new Set(ids).size).toBe(2);
    expect(host.sent.every(({ command, event }) => 'command' in event && event.command === command.id)).toBe(true);
  });

  it('P18 gc --unstarted removes nothing in a dry run, or when it cannot see where processes live', async () => {
    const host = new Host(['left']);
    expect(await runGc(host, { ...unstarted, dryRun: true }, command)).toMatchObject({
      unstarted: [removed('left')],
    });
    const blind = new Host(['left']);
    blind.inhabitedNamespaces = () => Promise.reject(new NetloomError(fault('kernel.refused', 'processes are hidden')));
    await expect(runGc(blind, unstarted, command)).rejects.toMatchObject({ fault: { code: 'kernel.refused' } });
    expect([...host.sent, ...blind.sent, ...blind.swept]).toEqual([]);
  });
});
