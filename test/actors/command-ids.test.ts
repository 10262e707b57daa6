import { EventEmitter } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Delivery, Journal } from '../../src/actors/journal.ts';
import type { CommandIdentity } from '../../src/bus/commands/engine-interface.ts';
import { hostAddress } from '../../src/core/actor-address.ts';
import { ActorEngine } from '../../src/engine/engine.ts';
import type { PoolEvents, Workers } from '../../src/engine/pool.ts';
import { storageFull } from '../../src/files/free-space.ts';
import { FakeEngine } from '../bus/support.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';
import { keepReply } from '../support/kept-replies.ts';

/** A message ID identifies one command also while that is under way. */

/** Accepts what is delivered, and does nothing. */
class IdleWorkers extends EventEmitter<PoolEvents> {
  readonly size = 1;
  readonly delivered: Delivery[] = [];
  call: Workers['call'] = async () => null as never;
  home = () => 0;
  restart = async () => {};
  suspect = () => {};
  prewarmNetns = () => {};
  deliver = (delivery: Delivery) => {
    this.delivered.push(delivery);
  };
}

async function engineOn(journal: Journal): Promise<{ engine: ActorEngine; workers: IdleWorkers }> {
  const workers = new IdleWorkers();
  const { directories, storage } = new FakeEngine().info();
  const settings = { node: 'n1', version: '0', bootId: 'b', defaultNetwork: 'podman', directories };
  const engine = new ActorEngine(journal, workers, {
    ...settings,
    storage: { refuseWhenFull: () => {}, view: () => storage },
    files: { has: () => false },
  });
  await engine.serve({ position: () => ({ sequence: 0, streamSequence: 0 }) });
  onTestFinished(() => engine.drain(0));
  return { engine, workers };
}

async function opened() {
  const directory = temporaryDirectory();
  const journal = new Journal(directory.path);
  onTestFinished(async () => {
    await journal.close();
    directory.remove();
  });
  return { journal, ...(await engineOn(journal)) };
}

const prune: CommandIdentity = { id: 'm1', kept: true, fingerprint: 'network.prune' };
const gc: CommandIdentity = { id: 'm1', kept: true, fingerprint: 'node.gc' };
const pruning = { type: 'networks.prune', command: 'm1', except: 'podman' } as const;
const found = { leftovers: [], doubtful: [] };
const collecting = { type: 'node.gc' as const, command: 'm1', steps: [], found, unstarted: [] };
const mismatch = { fault: { code: 'command.mismatch' } };
const output = { removed: ['web'] };

/** Replies as the host's actor does, by a commit and its notice. */
function reply(journal: Journal, workers: IdleWorkers): void {
  keepReply(journal, 'kept m1', output);
  workers.emit('committed', [{ command: 'kept m1', time: Date.now(), output }], false);
}

describe('B09 one message ID for two commands, of which one is under way', () => {
  it('B09 a message ID is refused for the other command, and the first keeps its reply', async () => {
    const { engine, workers, journal } = await opened();
    const first = engine.send(prune, hostAddress, pruning);
    await expect(engine.send(gc, hostAddress, collecting)).rejects.toMatchObject(mismatch);
    expect(workers.delivered).toMatchObject([{ to: 'host', event: { type: 'networks.prune', command: 'kept m1' } }]);
    reply(journal, workers);
    expect(await first).toEqual(output);
    expect(await engine.send(prune, hostAddress, pruning)).toEqual(output);
    await expect(engine.send(gc, hostAddress, collecting)).rejects.toMatchObject(mismatch);
    expect(journal.fingerprintOf('kept m1')).toBe('network.prune');
  });

  it('B09 a message ID runs the same command once, and gives it the same reply', async () => {
    const { engine, workers, journal } = await opened();
    const both = [1, 2].map(() => engine.send(prune, hostAddress, pruning));
    reply(journal, workers);
    expect(await Promise.all(both)).toEqual([output, output]);
    expect(workers.delivered).toHaveLength(1);
  });

  it('B09 a message ID is known to the next daemon, which continues the same command and refuses another', async () => {
    const { engine, journal } = await opened();
    void engine.send(prune, hostAddress, pruning);
    const { engine: next, workers } = await engineOn(journal);
    await expect(next.send(gc, hostAddress, collecting)).rejects.toMatchObject(mismatch);
    const again = next.send(prune, hostAddress, pruning);
    expect(workers.delivered).toEqual([]);
    reply(journal, workers);
    expect(await again).toEqual(output);
  });

  it('B09 a message ID can be used again after a failure before its command was accepted', async () => {
    const { engine, workers, journal } = await opened();
    const take = vi.spyOn(journal, 'take').mockImplementationOnce(() => {
      throw storageFull('no room');
    });
    await expect(engine.send(gc, hostAddress, collecting)).rejects.toMatchObject({ fault: { code: 'storage.full' } });
    const again = engine.send(prune, hostAddress, pruning);
    expect(take).toHaveBeenCalledTimes(2);
    reply(journal, workers);
    expect(await again).toEqual(output);
  });

  it('B09 a message ID is never that of a command without an ID of its client', async () => {
    const { engine, workers } = await opened();
    void engine.send(prune, hostAddress, pruning);
    void engine.send({ id: 'm1', kept: false }, hostAddress, collecting);
    expect(workers.delivered.map(({ event }) => event)).toMatchObject([
      { type: 'networks.prune', command: 'kept m1' },
      { type: 'node.gc', command: 'once m1' },
    ]);
  });
});
