import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EventStore } from '../../src/bus/events/event-store.ts';
import { silent } from '../../src/bus/server/log.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';
import { directories, server, until } from './support.ts';

function store() {
  const directory = temporaryDirectory();
  onTestFinished(() => directory.remove());
  const state = join(directory.path, 'state');
  return { state, store: new EventStore(join(state, 'jetstream')) };
}

const copies = (state: string) => readdirSync(state).filter((name) => name.includes('.stuck-'));

describe('the store of the event stream', () => {
  it('B11 the event store is made with the directories above it, for root only', () => {
    const { state, store: made } = store();
    made.prepare();
    expect([state, made.directory].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700]);
    expect(made.isLost()).toBe(false);
  });

  it.each<[string, (state: string, directory: string) => void]>([
    ['removed', (_, directory) => rmSync(directory, { recursive: true })],
    ['removed with the state directory', (state) => rmSync(state, { recursive: true })],
    [
      'replaced',
      (state, directory) => {
        renameSync(directory, join(state, 'other'));
        mkdirSync(directory);
      },
    ],
  ])('B11 the event store is lost when it was %s, until it is prepared again', (_, lose) => {
    const { state, store: lost } = store();
    lost.prepare();
    lose(state, lost.directory);
    expect(lost.isLost()).toBe(true);
    lost.prepare();
    expect(lost.isLost()).toBe(false);
  });

  it('B12 the event store is kept under another name when it is moved away, the last one only', () => {
    const { state, store: moved } = store();
    for (const life of ['first', 'second']) {
      moved.prepare();
      writeFileSync(join(moved.directory, life), '');
      const kept = moved.moveAway() as string;
      expect(existsSync(moved.directory)).toBe(false);
      expect(copies(state).map((name) => join(state, name))).toEqual([kept]);
      expect(readdirSync(kept)).toEqual([life]);
    }
  });

  it('B12 the event store may be missing when it is moved away', () => {
    const { state, store: gone } = store();
    expect(gone.moveAway()).toBeNull();
    mkdirSync(state);
    expect(gone.moveAway()).toBeNull();
  });
});

describe("the daemon's own nats-server", () => {
  it("B12 the daemon's own nats-server is started on a fresh store once on request, and the former store is kept", async () => {
    const where = directories();
    const started = await server(where);
    writeFileSync(join(where.stateDir, 'jetstream', 'former'), '');
    const replaced = async (how: { withFreshStore: boolean }) => {
      const former = started.pid();
      started.replace(how);
      await until(() => started.pid() !== null && started.pid() !== former);
    };
    await replaced({ withFreshStore: false });
    expect(existsSync(join(where.stateDir, 'jetstream', 'former'))).toBe(true);
    await replaced({ withFreshStore: true });
    expect(existsSync(join(where.stateDir, 'jetstream', 'former'))).toBe(false);
    const [kept] = copies(where.stateDir);
    expect(existsSync(join(where.stateDir, kept as string, 'former'))).toBe(true);
    await replaced({ withFreshStore: false });
    expect(copies(where.stateDir)).toEqual([kept]);
  });

  it("B12 the daemon's own nats-server keeps its store when it is to be replaced while it does not run", async () => {
    const where = directories();
    const started = await server(where);
    const former = started.pid() as number;
    writeFileSync(join(where.stateDir, 'jetstream', 'former'), '');
    process.kill(former, 'SIGKILL');
    await until(() => started.pid() === null);
    started.replace({ withFreshStore: true });
    await until(() => started.pid() !== null);
    expect(copies(where.stateDir)).toEqual([]);
    expect(existsSync(join(where.stateDir, 'jetstream', 'former'))).toBe(true);
  });

  it("B12 the daemon's own nats-server is started again on its store where that cannot be moved away", async () => {
    const where = directories();
    const directory = join(where.stateDir, 'jetstream');
    mkdirSync(directory, { recursive: true });
    // the root of a file system is not renamed
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', directory]);
    onTestFinished(() => void execFileSync('umount', ['--lazy', directory]));
    const said: string[] = [];
    const started = await server({ ...where, log: { ...silent, error: (_, message) => void said.push(message) } });
    const former = started.pid();
    started.replace({ withFreshStore: true });
    await until(() => started.pid() !== null && started.pid() !== former);
    expect(said).toContain('the store of the event stream could not be moved away; it is used as it is');
    expect(copies(where.stateDir)).toEqual([]);
  });
});
