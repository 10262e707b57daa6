import { EventEmitter } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Delivery, Journal } from '../../src/actors/journal.ts';
import type { CommandIdentity } from '../../src/bus/commands/engine-interface.ts';
import { hostAddress } from '../../src/core/actor-address.ts';
import { fault, NetloomError } from '../../src/core/fault.ts';
import { ActorEngine } from '../../src/engine/engine.ts';
import type { PoolEvents, Workers } from '../../src/engine/pool.ts';
import { FakeEngine } from '../bus/support.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';

/** A message ID identifies one command also while that is under way in several steps. */

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

const attach: CommandIdentity = { id: 'm1', kept: true, fingerprint: 'attach a' };
const create: CommandIdentity = { id: 'm1', kept: true, fingerprint: 'network.create' };
const mismatch = { fault: { code: 'command.mismatch' } };

/** Work that ends on request. */
function held() {
  let end = (_: string): void => {};
  const promise = new Promise<string>((resolve) => {
    end = resolve;
  });
  let begun = 0;
  return {
    work: () => {
      begun++;
      return promise;
    },
    end: (answer: string) => end(answer),
    begun: () => begun,
  };
}

describe('B09 one message id for two commands, of which one is under way in several steps', () => {
  it('B09 a message ID is refused for the other command, whichever comes first, and the first keeps its reply', async () => {
    const { engine, workers, journal } = await opened();
    const { work, end } = held();
    const first = engine.once(attach, work);
    const other = { type: 'resolver.lost' } as const;
    await expect(engine.send(create, hostAddress, other)).rejects.toMatchObject(mismatch);
    await expect(engine.once(create, async () => 'other')).rejects.toMatchObject(mismatch);
    expect(workers.delivered).toEqual([]);
    end('attached');
    expect(await first).toBe('attached');
    expect(await engine.once(attach, async () => 'again')).toBe('attached');
    expect(journal.fingerprintOf('kept m1')).toBe('attach a');

    const second = { ...create, id: 'm2' };
    void engine.send(second, hostAddress, other).catch(() => {});
    await expect(engine.once({ ...attach, id: 'm2' }, work)).rejects.toMatchObject(mismatch);
  });

  it('B09 a message ID runs the same command once, and gives it the same reply', async () => {
    const { engine } = await opened();
    const { work, end, begun } = held();
    const both = [engine.once(attach, work), engine.once(attach, work)];
    end('attached');
    expect(await Promise.all(both)).toEqual(['attached', 'attached']);
    expect(begun()).toBe(1);
  });

  it('B09 a message ID is known to the next daemon, which continues the same command and refuses another', async () => {
    const { engine, journal } = await opened();
    void engine.once(attach, held().work);
    const { engine: next } = await engineOn(journal);
    await expect(next.once(create, async () => 'other')).rejects.toMatchObject(mismatch);
    expect(await next.once(attach, async () => 'attached')).toBe('attached');
  });

  it('B09 a message ID is tried again under the same ID after a failure, and its first reply is never replaced', async () => {
    const { engine, journal } = await opened();
    const failing = async () => Promise.reject(new NetloomError(fault('storage.full', 'no room')));
    await expect(engine.once(attach, failing)).rejects.toMatchObject({ fault: { code: 'storage.full' } });
    expect(await engine.once(attach, async () => 'attached')).toBe('attached');
    journal.keepReply('kept m1', 'another', 'another');
    expect(await engine.once(attach, async () => 'again')).toBe('attached');
  });

  it('B09 a message ID does not affect commands without an ID', async () => {
    const { engine } = await opened();
    const loose = { id: 'm1', kept: false };
    expect(await Promise.all([1, 2].map((n) => engine.once(loose, async () => n)))).toEqual([1, 2]);
  });
});
