import { describe, expect, it } from 'vitest';
import { collect } from '../../src/bus/commands/collection.ts';
import { containerAddress } from '../../src/core/actor-address.ts';
import { type FaultCode, fault, NetloomError } from '../../src/core/fault.ts';
import type { ContainerView } from '../../src/core/view.ts';
import { FakeEngine } from './support.ts';

/** What `gc --unstarted` takes for never started, and what it reports of each. */

const viewOf = (id: string, inode: number): ContainerView => ({
  id,
  name: id,
  mode: 'none',
  state: 'configured',
  netns: { path: `/netns/${id}`, inode },
  pid: null,
  attachments: [],
  status: {},
  ports: [],
  removeOnExit: false,
  labels: {},
  owner: 'engine',
  exitCode: null,
  startBy: null,
  lastFault: null,
});

/** Containers that are configured; how some of them answer. */
class Host extends FakeEngine {
  readonly swept: string[] = [];
  constructor(
    private readonly ids: string[],
    refusals: Record<string, FaultCode> = {},
    private readonly inhabited: ReadonlySet<number> = new Set(),
  ) {
    super();
    this.answer = ({ to }) => {
      const id = to.slice('container/'.length);
      const code = refusals[id];
      if (code) throw new NetloomError(fault(code, `${id} does not go`));
      return { id };
    };
  }
  override containers() {
    return { ...super.containers(), containers: this.ids.map((id, index) => viewOf(id, index + 1)) };
  }
  override async inhabitedNamespaces() {
    return this.inhabited;
  }
  override async collect(command: { id: string }, dryRun: boolean) {
    this.swept.push(command.id);
    return super.collect({ ...command, kept: true }, dryRun);
  }
}

const command = { id: 'm1', kept: true };
const unstarted = { unstarted: true };
const removed = (id: string) => ({ id, name: id, owner: 'engine' });

describe('P18 gc --unstarted', () => {
  it('P18 reports those that it removed, and what could not be removed beside them', async () => {
    const host = new Host(['left', 'stuck', 'lived-in'], { stuck: 'kernel.refused' }, new Set([3]));
    expect(await collect(host, unstarted, command)).toMatchObject({
      unstarted: [removed('left')],
      failed: [{ step: 'container stuck', errno: null, detail: 'stuck does not go' }],
    });
    expect(host.sent.map(({ to }) => to)).toEqual(['left', 'stuck'].map(containerAddress));
  });

  it('P18 reports nothing of one that was started, taken down or removed since it was looked for', async () => {
    const refusals = { held: 'container.running', started: 'container.state', gone: 'container.unknown' } as const;
    const host = new Host(['left', ...Object.keys(refusals)], refusals);
    expect(await collect(host, unstarted, command)).toMatchObject({ unstarted: [removed('left')], failed: [] });
  });

  it('P18 asks each under an id of its own, whatever the containers are called', async () => {
    const host = new Host(['sweep', 'left', 'abandon']);
    await collect(host, unstarted, command);
    const ids = [...host.sent.map(({ command }) => command.id), ...host.swept];
    expect(new Set(ids).size).toBe(4);
    expect(host.sent.every(({ command, event }) => 'command' in event && event.command === command.id)).toBe(true);
  });

  it('P18 removes nothing in a dry run, and nothing where it cannot see who lives where', async () => {
    const host = new Host(['left']);
    expect(await collect(host, { ...unstarted, dryRun: true }, command)).toMatchObject({
      unstarted: [removed('left')],
    });
    const blind = new Host(['left']);
    blind.inhabitedNamespaces = () => Promise.reject(new NetloomError(fault('kernel.refused', 'processes are hidden')));
    await expect(collect(blind, unstarted, command)).rejects.toMatchObject({ fault: { code: 'kernel.refused' } });
    expect([...host.sent, ...blind.sent, ...blind.swept]).toEqual([]);
  });
});
