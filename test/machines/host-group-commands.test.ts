import { describe, expect, it } from 'vitest';
import { type HostContext, hostMachine } from '../../machines/host/chart.ts';
import type { GroupCommand } from '../../machines/host/context.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { fault } from '../../src/core/fault.ts';
import type { Leftovers, Unstarted } from '../../src/core/gc.ts';
import { applied, asking, begin, failed, littered, recovered } from './walk.ts';

/** Commands to several networks or containers: the host asks them all, and replies when all have answered. */

const { reach, step, effectsOf } = asking<HostContext>(hostMachine);

const note = (network: string): ActorEvent => ({
  type: 'subnet.note',
  network,
  bridge: `${network}0`,
  sharesLink: false,
  subnets: [],
});
const prune = (command: string, names?: string[]): ActorEvent => ({
  type: 'networks.prune',
  command,
  ...(names && { names }),
  except: 'netloom',
});
const pruned = (network: string, isRemoved: boolean): ActorEvent => ({ type: 'network.pruned', network, isRemoved });
const serving = reach(begin<HostContext>(hostMachine), { type: 'host.start' }, applied('base'));
const known = reach(serving, note('web'), note('db'), note('netloom'));
const pruning = reach(known, prune('c1'));

describe('P07 unused networks', () => {
  it('P07 unused networks are asked by the host, all but the default network, and may answer in any order', () => {
    expect(step(known, prune('c1'))).toEqual([
      'serving',
      'tell network/db network.prune',
      'tell network/web network.prune',
    ]);
    expect(step(pruning, pruned('web', true))).toEqual(['serving']);
    expect(effectsOf(pruning, pruned('web', true), pruned('db', true))).toEqual([
      { kind: 'reply', command: 'c1', output: { removed: ['db', 'web'] } },
    ]);
  });

  it('P07 unused networks are not listed as removed when a container uses them, or when they were gone already', () => {
    expect(effectsOf(pruning, pruned('web', false), pruned('db', true))).toMatchObject([
      { output: { removed: ['db'] } },
    ]);
    expect(effectsOf(pruning, pruned('web', false), pruned('db', false))).toMatchObject([{ output: { removed: [] } }]);
  });

  it('P07 unused networks make the command fail when they cannot be removed, after the others have answered', () => {
    const refused = fault('kernel.refused', 'refused');
    const event: ActorEvent = { type: 'network.pruned', network: 'db', isRemoved: false, fault: refused };
    expect(step(pruning, event)).toEqual(['serving']);
    expect(effectsOf(pruning, event, pruned('web', false))).toEqual([{ kind: 'reply', command: 'c1', fault: refused }]);
  });

  it('P07 unused networks that were removed are named in the fault of one that cannot be removed', () => {
    const three = reach(known, note('api'), prune('c1'));
    const refused = fault('kernel.refused', 'refused', { detail: 'Operation not permitted' });
    const event: ActorEvent = { type: 'network.pruned', network: 'db', isRemoved: false, fault: refused };
    const detail = 'Operation not permitted; networks that were removed: api, web';
    expect(effectsOf(three, pruned('web', true), event, pruned('api', true))).toEqual([
      { kind: 'reply', command: 'c1', fault: { ...refused, detail } },
    ]);
  });

  it('P07 unused networks are asked by their given names alone, and unknown names are no error', () => {
    expect(step(known, prune('c1', ['web', 'gone']))).toEqual(['serving', 'tell network/web network.prune']);
    for (const names of [[], ['gone'], ['netloom']])
      expect(effectsOf(known, prune('c1', names))).toEqual([{ kind: 'reply', command: 'c1', output: { removed: [] } }]);
  });

  it('P07 unused networks are asked by one command at a time', () => {
    expect(effectsOf(pruning, prune('c2'))).toEqual([{ kind: 'reply', command: 'c2', output: { removed: [] } }]);
    const named = reach(known, prune('c1', ['web']));
    expect(step(named, prune('c2'))).toEqual(['serving', 'tell network/db network.prune']);
    expect(effectsOf(named, prune('c2'), pruned('web', true))).toMatchObject([{ command: 'c1' }]);
  });

  it('P07 unused networks lead to a reply even if they answer after a restart or a reboot', () => {
    for (const again of [recovered(false), recovered(true), { type: 'host.start' } as const])
      expect(step(pruning, again, pruned('web', true), pruned('db', true)).slice(1)).toEqual(['reply c1 ok']);
  });

  it('P07 unused networks change nothing when they answer without a request', () => {
    expect(step(known, pruned('web', true))).toEqual(['serving']);
  });
});

const found: Leftovers = { leftovers: [{ kind: 'link', name: 'lost0', owner: 'network/lost' }], doubtful: [] };
const unstartedOf = (id: string): Unstarted => ({ id, name: `name of ${id}`, owner: null });
const gc = (command: string, ...ids: string[]): ActorEvent => ({
  type: 'node.gc',
  command,
  steps: [],
  found,
  unstarted: ids.map(unstartedOf),
});
const swept = (command: string): ActorEvent => applied({ kind: 'sweep', command });
const abandoned = (container: string, code?: Parameters<typeof fault>[0]): ActorEvent => ({
  type: 'container.abandoned',
  container,
  fault: code ? fault(code, `${code} of ${container}`) : null,
});

describe('P18 containers that were never started', () => {
  const sweeping = reach(serving, gc('c1', 'b', 'a'));
  const asked = reach(sweeping, swept('c1'));

  it('P18 containers that were never started are asked by the host after the sweep, and listed in the order of the request', () => {
    expect(step(serving, gc('c1', 'b', 'a'))).toEqual(['serving', 'apply sweep c1']);
    expect(effectsOf(sweeping, swept('c1'))).toEqual(
      ['b', 'a'].map((id) => ({
        kind: 'tell',
        to: `container/${id}`,
        event: { type: 'container.abandon', command: null, from: 'host' },
      })),
    );
    const unstarted = ['b', 'a'].map(unstartedOf);
    expect(effectsOf(asked, abandoned('a'), abandoned('b'))).toEqual([
      { kind: 'reply', command: 'c1', output: { ...found, dryRun: false, failed: [], unstarted } },
    ]);
  });

  it('P18 containers that were never started are left out when they were started, taken down or removed meanwhile', () => {
    for (const code of ['container.running', 'container.state', 'container.unknown'] as const)
      expect(effectsOf(asked, abandoned('b', code), abandoned('a'))).toMatchObject([
        { output: { unstarted: [{ id: 'a' }], failed: [] } },
      ]);
  });

  it('P18 containers that were never started are listed with the reason when they cannot be taken down, before failed steps', () => {
    const littering = reach(sweeping, failed({ kind: 'sweep', command: 'c1' }, littered));
    expect(effectsOf(littering, abandoned('b', 'kernel.refused'), abandoned('a'))).toMatchObject([
      {
        output: {
          unstarted: [{ id: 'a' }],
          failed: [{ step: 'container b', errno: null, detail: 'kernel.refused of b' }, ...(littered.leftBehind ?? [])],
        },
      },
    ]);
  });

  it('P18 containers that were never started lead to a reply to each command, in order', () => {
    const twice = reach(serving, gc('c1', 'a'), gc('c2', 'a'), swept('c1'), swept('c2'));
    expect(effectsOf(twice, abandoned('a'))).toMatchObject([{ command: 'c1', output: { unstarted: [{ id: 'a' }] } }]);
    expect(effectsOf(twice, abandoned('a'), abandoned('a', 'container.unknown'))).toMatchObject([
      { command: 'c2', output: { unstarted: [] } },
    ]);
  });

  it('P18 a gc that found no unstarted containers replies after its sweep', () => {
    expect(effectsOf(serving, gc('c1'), swept('c1'))).toMatchObject([{ output: { unstarted: [], failed: [] } }]);
  });

  it('P18 containers that were never started are asked, and lead to a reply, after a restart of the daemon', () => {
    const again: ActorEvent[] = [recovered(false), { type: 'host.start' }, applied('base')];
    const restarted = reach(sweeping, ...again, swept('c1'), ...again);
    expect(step(restarted, abandoned('b'), abandoned('a'))).toEqual(['serving', 'reply c1 ok']);
  });

  it('P18 containers that were never started are not asked after a reboot during the sweep: each may be set up anew', () => {
    expect(step(sweeping, recovered(true))).toEqual(['serving', 'reply c1 ok']);
    expect(effectsOf(sweeping, recovered(true))).toMatchObject([{ output: { unstarted: [] } }]);
    expect(step(asked, recovered(true), abandoned('b', 'container.state'), abandoned('a'))).toEqual([
      'serving',
      'reply c1 ok',
    ]);
  });

  it('P18 containers that were never started, asked by an older version, lead to a reply', () => {
    const { gc: _, ...before } = asked.context.abandoning[0] as GroupCommand;
    const older = { ...asked, context: { ...asked.context, abandoning: [before] } };
    expect(step(older, abandoned('b'), abandoned('a'))).toEqual(['serving', 'reply c1 ok']);
  });
});
