import { describe, expect, it, onTestFinished } from 'vitest';
import { silent } from '../../src/bus/server/log.ts';
import type { ManagedServer } from '../../src/bus/server/server.ts';
import { ServerWatch } from '../../src/bus/server/server-watch.ts';
import { connected, directories, server, until } from './support.ts';

/** A watch over a real server that is never really replaced: the requests of the watch are recorded. */
async function watched() {
  const where = directories();
  const started = await server(where);
  const [commands, events] = [await connected(where.runDir), await connected(where.runDir)];
  const state = { pid: started.pid(), pending: 1, sequence: 7, hasRoom: true, looks: 0 };
  const replaced: { withFreshStore: boolean; reason: string }[] = [];
  let reason = '';
  const pretended: Pick<ManagedServer, 'pid' | 'isStoreLost' | 'replace'> = {
    pid: () => {
      state.looks++;
      return state.pid;
    },
    isStoreLost: () => started.isStoreLost(),
    replace: ({ withFreshStore }) => void replaced.push({ withFreshStore, reason }),
  };
  const watch = new ServerWatch({
    server: pretended,
    commands,
    events,
    progress: () => state,
    hasRoom: () => state.hasRoom,
    log: {
      ...silent,
      error: (fields) => {
        reason = (fields as { reason: string }).reason;
      },
    },
    lookEveryMs: 5,
    answersWithinMs: 60,
  });
  onTestFinished(() => watch.stop());
  const looks = async (count: number) => {
    const before = state.looks;
    await until(() => state.looks >= before + count);
  };
  return { ...where, server: started, state, replaced, looks };
}

/** It continues at the end of the test, which would have to kill it otherwise. */
function stopped({ server }: { server: ManagedServer }): void {
  const pid = server.pid() as number;
  process.kill(pid, 'SIGSTOP');
  onTestFinished(() => void process.kill(pid, 'SIGCONT'));
}

const fresh = (replaced: { withFreshStore: boolean }[], count: number) =>
  replaced.slice(0, count).map(({ withFreshStore }) => withFreshStore);

describe('the watch over the own nats-server', () => {
  it('B12 the watch leaves a server alone that answers', async () => {
    const { replaced, looks } = await watched();
    await looks(20);
    expect(replaced).toEqual([]);
  });

  it('B12 the watch replaces a stopped server, and has its store moved away after two starts that changed nothing', async () => {
    const watch = await watched();
    stopped(watch);
    await until(() => watch.replaced.length >= 6);
    expect(fresh(watch.replaced, 6)).toEqual([false, false, true, false, false, true]);
    // the first look may have begun before it stopped
    expect(watch.replaced[1]?.reason).toBe('JetStream does not answer');
  });

  it.each<[string, (state: { pending: number; sequence: number; hasRoom: boolean }) => void]>([
    ['no event waits', (state) => Object.assign(state, { pending: 0 })],
    ['its disk is full', (state) => Object.assign(state, { hasRoom: false })],
    [
      'the stream goes on',
      (state) => Object.defineProperty(state, 'sequence', { get: () => performance.now(), configurable: true }),
    ],
  ])('B12 the watch keeps the store of a stopped server while %s', async (_, change) => {
    const watch = await watched();
    change(watch.state);
    stopped(watch);
    await until(() => watch.replaced.length >= 6);
    expect(fresh(watch.replaced, 6)).toEqual(Array(6).fill(false));
  });

  it('B12 the watch does not judge a server that is not running, however long', async () => {
    const { server, state, replaced, looks } = await watched();
    await server.stop();
    state.pid = null;
    await looks(50);
    expect(replaced).toEqual([]);
  });

  it('B12 the watch replaces a server that accepts no connection, and keeps its store', async () => {
    const { server, replaced } = await watched();
    // its former PID is reported all the time
    await server.stop();
    await until(() => replaced.length >= 6);
    expect(fresh(replaced, 6)).toEqual(Array(6).fill(false));
    expect(replaced.at(-1)?.reason).toMatch(/^the connection for (commands|events) does not come back$/);
  });
});
