import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { execa, type ResultPromise } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as native from '#native';
import { writable } from '../../src/cli/doctor/machine.ts';
import { connect } from '../../src/client.ts';
import { foreignHand, makeOwnDirectory } from '../../src/files/ownership.ts';
import { type RunDirectory, takeRunDirectory } from '../../src/kernel/run-lock.ts';
import { endWithTest, processesOf, untilAnswered } from '../support/daemon.ts';
import { Facts } from '../support/facts.ts';
import { becomeFreshHost, linkNames, temporaryDirectory } from '../support/fresh-host.ts';

/** A user with write access to the run directory commands the host's network, and a daemon that lost it cannot be reached. */

const stranger = 65_534;

let directory: ReturnType<typeof temporaryDirectory>;
const at = (name: string) => `${directory.path}/${name}`;

const made = (path: string, mode: number, uid = 0) => {
  mkdirSync(path);
  chmodSync(path, mode);
  chownSync(path, uid, uid);
};

const unsafe = (why: RegExp) =>
  expect.objectContaining({ code: 'directory.unsafe', message: expect.stringMatching(why) });

const thrown = (act: () => unknown) => {
  try {
    act();
    return null;
  } catch (error) {
    return error;
  }
};

describe('a directory for secrets', () => {
  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(() => directory.remove());

  it('B11 a directory for secrets is made for its owner only, with its missing parents', () => {
    makeOwnDirectory(at('a/b'));
    expect(['a', 'a/b'].map((name) => (statSync(at(name)).mode & 0o777).toString(8))).toEqual(['700', '700']);
  });

  it.each([0o700, 0o755, 0o750])(
    'B11 a directory for secrets is accepted when only root may write to it (%o)',
    (mode) => {
      made(at('x'), mode);
      makeOwnDirectory(at('x'));
      symlinkSync(at('x'), at('link'));
      makeOwnDirectory(at('link'));
    },
  );

  it.each<[string, () => void, RegExp]>([
    [
      'another user made it',
      () => made(at('x'), 0o700, stranger),
      /x belongs to user 65534, so nothing in it can be trusted/,
    ],
    ['every user may write to it', () => made(at('x'), 0o777), /others may write to \S+x, so nothing/],
    ['its group may write to it', () => made(at('x'), 0o770), /others may write to/],
    ['every user may write to it as to /tmp', () => made(at('x'), 0o1777), /others may write to/],
    [
      'another user made a link to it',
      () => {
        made(at('y'), 0o700);
        symlinkSync(at('y'), at('x'));
        lchownSync(at('x'), stranger, stranger);
      },
      /x belongs to user 65534/,
    ],
    [
      'it is a link to what another user made',
      () => {
        made(at('y'), 0o700, stranger);
        symlinkSync(at('y'), at('x'));
      },
      /x belongs to user 65534/,
    ],
  ])('B11 a directory for secrets is refused when %s', (_, make, why) => {
    make();
    expect(thrown(() => makeOwnDirectory(at('x')))).toEqual(unsafe(why));
    expect(thrown(() => takeRunDirectory(at('x')))).toEqual(unsafe(why));
    expect(writable('Run directory', at('x'))).toMatchObject({ ok: false, found: foreignHand(at('x')) });
  });

  const directories = ['credentials', 'nats', 'teardowns', 'netns', 'sysctl.d', 'something'];
  it.each(directories)('B11 the run directory is refused when another user made %s in it', (part) => {
    made(at('x'), 0o700);
    made(at(`x/${part}`), 0o700, stranger);
    expect(thrown(() => takeRunDirectory(at('x')))).toEqual(unsafe(new RegExp(`x/${part} belongs to user 65534`)));
    expect(existsSync(at('x/daemon.pid'))).toBe(false);
  });

  it.each(directories)('B11 the run directory is refused when others may write to %s in it', (part) => {
    made(at('x'), 0o700);
    made(at(`x/${part}`), 0o777);
    expect(thrown(() => takeRunDirectory(at('x')))).toEqual(unsafe(new RegExp(`others may write to \\S+x/${part}`)));
  });

  it.each(['journal', 'journal-lock', 'daemon.pid'])(
    'B11 the run directory is refused when another user made the file %s in it',
    (part) => {
      made(at('x'), 0o700);
      writeFileSync(at(`x/${part}`), '');
      chownSync(at(`x/${part}`), stranger, stranger);
      expect(thrown(() => takeRunDirectory(at('x')))).toEqual(unsafe(new RegExp(`x/${part} belongs to user 65534`)));
      expect(readFileSync(at(`x/${part}`), 'utf8')).toBe('');
    },
  );

  it('B11 the run directory is refused when another user made a link in it', () => {
    made(at('x'), 0o700);
    symlinkSync(at('elsewhere'), at('x/journal'));
    lchownSync(at('x/journal'), stranger, stranger);
    expect(thrown(() => takeRunDirectory(at('x')))).toEqual(unsafe(/x\/journal belongs to user 65534/));
  });

  it('B11 the run directory is accepted with everything that root made in it, whatever its mode', () => {
    made(at('x'), 0o700);
    for (const name of ['netns', 'sysctl.d']) made(at(`x/${name}`), 0o755);
    writeFileSync(at('x/journal'), '', { mode: 0o664 });
    symlinkSync(at('nowhere'), at('x/link'));
    symlinkSync('round', at('x/round'));
    takeRunDirectory(at('x')).release();
  });

  describe('on a freshly mounted tmpfs, which all users may write to', () => {
    beforeEach(() => {
      mkdirSync(at('x'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', at('x')]);
      expect(statSync(at('x')).mode & 0o7777).toBe(0o1777);
    });
    afterEach(() => void execFileSync('umount', [at('x')]));

    it('B11 a fresh mount is accepted as run directory, and restricted to its owner', () => {
      writeFileSync(at('x/own'), '');
      expect(writable('State directory', at('x'))).toMatchObject({ ok: true });
      makeOwnDirectory(at('x'));
      expect(statSync(at('x')).mode & 0o7777).toBe(0o700);
    });

    it('B11 a fresh mount that another user has already used is refused', () => {
      made(at('x/credentials'), 0o700, stranger);
      expect(thrown(() => makeOwnDirectory(at('x')))).toEqual(unsafe(/others may write to \S+x/));
      expect(statSync(at('x')).mode & 0o7777).toBe(0o1777);
    });
  });

  it('B11 a directory for secrets is accepted when it belongs to the user or to root', () => {
    made(at('own'), 0o700, stranger);
    made(at('roots'), 0o755);
    chmodSync(directory.path, 0o755);
    process.seteuid?.(stranger);
    try {
      expect([foreignHand(at('own')), foreignHand(at('roots'))]).toEqual([null, null]);
    } finally {
      process.seteuid?.(0);
    }
  });
});

describe('a run directory in use', () => {
  let held: RunDirectory;
  beforeEach(() => {
    directory = temporaryDirectory();
    held = takeRunDirectory(at('run'));
  });
  afterEach(() => {
    held.release();
    directory.remove();
  });

  it.each<[string, () => void]>([
    ['removed', () => rmSync(at('run'), { recursive: true })],
    ['moved away', () => renameSync(at('run'), at('elsewhere'))],
    ['emptied', () => rmSync(at('run/daemon.pid'))],
    [
      'replaced',
      () => {
        renameSync(at('run'), at('elsewhere'));
        mkdirSync(at('run'));
      },
    ],
    ['taken by another daemon', () => writeFileSync(at('run/daemon.pid'), '1 1\n')],
    ['removed with the directory above it', () => rmSync(directory.path, { recursive: true })],
  ])('B11 the run directory counts as lost when it is %s', async (_, lose) => {
    lose();
    expect(await held.lost).toMatchObject({
      code: 'directory.lost',
      message: expect.stringMatching(/run was removed or replaced.*networks stay; start it again$/),
    });
  });

  it('B11 unrelated changes in and beside the run directory do not count as its loss', async () => {
    writeFileSync(at('run/other'), '');
    writeFileSync(at('beside'), '');
    chmodSync(at('run/daemon.pid'), 0o600);
    rmSync(at('run/other'));
    // inotify reports all of them before the last one
    rmSync(at('run/daemon.pid'));
    const text = `${(await held.lost).message}`;
    expect(text).toContain(at('run'));
  });

  it('B11 releasing the run directory leaves the lock of another daemon in place', () => {
    renameSync(at('run'), at('elsewhere'));
    mkdirSync(at('run'));
    writeFileSync(at('run/daemon.pid'), '1 1\n');
    held.release();
    expect(readFileSync(at('run/daemon.pid'), 'utf8')).toBe('1 1\n');
  });
});

describe('a daemon', () => {
  const main = createRequire(import.meta.url).resolve('#cli');

  beforeAll(async () => {
    await becomeFreshHost();
    directory = temporaryDirectory();
  });
  afterAll(() => directory.remove());

  const launch = (run: string, state: string, ...more: string[]): ResultPromise => {
    const places = ['--run-dir', run, '--state-dir', state, '--nats-port', '0', '--node', 'here'];
    const daemon = execa(process.execPath, [main, 'daemon', ...places, ...more], { reject: false });
    endWithTest(daemon);
    return daemon;
  };

  it.each([
    ['run', 'mine/run', 'mine/state'],
    ['state', 'mine/run', 'mine/state'],
  ])('B11 a daemon does not start on a %s directory that others may write to', async (which, run, state) => {
    rmSync(at('mine'), { recursive: true, force: true });
    mkdirSync(at('mine'));
    made(at(`mine/${which}`), 0o777);
    const { exitCode, stderr } = await launch(at(run), at(state));
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`netloom: directory.unsafe: others may write to ${at(`mine/${which}`)}`);
    expect(existsSync(at('mine/run/daemon.pid'))).toBe(false);
    expect(existsSync(at('mine/run/credentials'))).toBe(false);
  });

  it.each([
    ['watches', 'max_inotify_watches', 'ENOSPC'],
    ['instances', 'max_inotify_instances', 'EMFILE'],
  ])('B11 a daemon without inotify %s left reports the reached limits and leaves no lock', async (_, limit, code) => {
    const places = ['--run-dir', at('unwatched/run'), '--state-dir', at('unwatched/state'), '--node', 'here'];
    // a user namespace has limits of its own
    const script = `echo 0 > /proc/sys/user/${limit} && exec "$@"`;
    const daemon = ['sh', '-c', script, 'sh', process.execPath, main, 'daemon', ...places];
    const { exitCode, stderr } = await execa('unshare', ['--user', '--map-root-user', ...daemon], { reject: false });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /netloom: inotify\.exhausted: \S+ cannot be watched, .* raise fs\.inotify\.max_user_instances/,
    );
    expect(stderr).toContain(`(${code})`);
    expect(existsSync(at('unwatched/run/daemon.pid'))).toBe(false);
  });

  it('B11 a daemon whose run directory is removed reports it and ends, and its networks stay', async () => {
    const run = at('gone/run');
    const netns = at('netns');
    const daemon = launch(run, at('gone/state'), '--netns-dir', netns);
    const client = await untilAnswered(() => connect({ runDir: run, node: 'here' }));
    await untilAnswered(() => client.network.create({ name: 'web' }));
    await client.container.setup({ id: 'a', networks: [{ network: 'web' }] });
    await client.close();
    const before = linkNames();
    // the daemon still writes there
    rmSync(run, { recursive: true, maxRetries: 10 });
    const { exitCode, stderr } = await daemon;
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/"code":"directory\.lost".*"msg":"the run directory is lost"/);
    expect(stderr).toMatch(/^netloom: directory\.lost: the run directory \S+ was removed/m);
    // everything has ended, its nats-server included
    expect(processesOf({ directory: at('gone') })).toEqual([]);
    expect(linkNames()).toEqual(before);
    const pinned = readdirSync(netns);
    expect(pinned).toHaveLength(1);

    const next = launch(run, at('gone/state'), '--netns-dir', netns);
    const again = await untilAnswered(() => connect({ runDir: run, node: 'here' }));
    await untilAnswered(async () => expect((await again.network.list()).networks).toMatchObject([{ name: 'web' }]));
    await again.close();
    next.kill('SIGTERM');
    expect(await next).toMatchObject({ exitCode: 0 });
    for (const name of pinned) native.removeNetns(`${netns}/${name}`);
  });

  it('B11 a daemon whose state directory is removed keeps serving, and its event stream starts anew', async () => {
    const [run, state, netns] = [at('kept/run'), at('kept/state'), at('netns')];
    const daemon = launch(run, state, '--netns-dir', netns, '--networks-dir', at('networks'));
    const serverPid = () => readFileSync(`${run}/nats/nats-server.pid`, 'utf8');
    const client = await untilAnswered(() => connect({ runDir: run, node: 'here' }));
    await untilAnswered(() => client.network.create({ name: 'web' }));
    await client.container.setup({ id: 'a', networks: [{ network: 'web' }] });
    const former = serverPid();
    rmSync(state, { recursive: true });
    await untilAnswered(async () => expect(serverPid()).not.toBe(former));
    await client.close();
    const again = await untilAnswered(() => connect({ runDir: run, node: 'here' }));
    await untilAnswered(() => again.container.setup({ id: 'b', networks: [{ network: 'web' }] }));
    await untilAnswered(() => again.idsInEvents('container')); // the stream exists again
    const facts = new Facts(again);
    await facts.event('container/b configured');
    await facts.close();
    expect(statSync(state).mode & 0o777).toBe(0o700);
    for (const id of ['a', 'b']) await again.container.remove({ id });
    await again.network.remove({ name: 'web' });
    await again.close();
    daemon.kill('SIGTERM');
    expect(await daemon).toMatchObject({ exitCode: 0 });
  });

  it('B11 a daemon whose networks directory is replaced by a file keeps its networks', async () => {
    const [run, networks] = [at('filed/run'), at('filed/networks')];
    const daemon = launch(run, at('filed/state'), '--networks-dir', networks);
    let output = '';
    daemon.stderr?.on('data', (chunk: Buffer) => {
      output += `${chunk}`;
    });
    const client = await untilAnswered(() => connect({ runDir: run, node: 'here' }));
    await untilAnswered(() => client.network.create({ name: 'web' }));
    rmSync(networks, { recursive: true });
    writeFileSync(networks, '');
    await untilAnswered(async () => expect(output).toContain('the definitions of networks cannot be read'));
    expect((await client.network.list()).networks).toMatchObject([{ name: 'web' }]);
    await client.close();
    daemon.kill('SIGTERM');
    expect(await daemon).toMatchObject({ exitCode: 0 });
  });
});
