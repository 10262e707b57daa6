import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openCredentialsFile, readCredentials, writeCredentials } from '../../src/bus/server/credentials.ts';
import { installDropIn, installedDropIn } from '../../src/cli/podman/drop-in.ts';
import { TeardownQueue } from '../../src/engine/teardown-queue.ts';
import { mostBytes, textOfOrdinaryFile } from '../../src/files/ordinary-file.ts';
import { SettingsFiles } from '../../src/kernel/links/settings-files.ts';
import { takeRunDirectory } from '../../src/kernel/run-lock.ts';
import { DefinitionStore } from '../../src/networks/definition-store.ts';
import { HostServers } from '../../src/resolver/host-servers.ts';
import { cli } from '../cli/netloom.ts';
import { definitionOf } from '../core/samples.ts';
import { runDoor } from '../doors/door.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';

/** netloom neither waits for nor reads anything but a regular file of bounded size, wherever it reads. */

let directory: ReturnType<typeof temporaryDirectory>;
const at = (name: string) => `${directory.path}/${name}`;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

const fifo = (path: string) => void execFileSync('mkfifo', [path]);

/** A reader that reads it to the end waits for ever or exhausts the memory. */
const noFiles: [string, (path: string) => unknown, RegExp][] = [
  ['a FIFO', fifo, /not a regular file/],
  ['a link to a FIFO', (path) => [fifo(`${path}.pipe`), symlinkSync(`${path}.pipe`, path)], /not a regular file/],
  ['a link to /dev/zero', (path) => symlinkSync('/dev/zero', path), /not a regular file/],
  ['a device', (path) => void execFileSync('mknod', [path, 'c', '1', '5']), /not a regular file/],
  ['a directory', (path) => mkdirSync(path), /not a regular file/],
  ['a link to itself', (path) => symlinkSync(path, path), /ELOOP/],
  [
    'a file of 10 GiB',
    (path) => [writeFileSync(path, ''), truncateSync(path, 10 * 2 ** 30)],
    /larger than 1048576 bytes/,
  ],
];

it.each(noFiles)('B10 %s is not read', (_, make, reason) => {
  make(at('x'));
  expect(() => textOfOrdinaryFile(at('x'))).toThrow(reason);
});

it('B10 a socket is not read, and a file of the maximum size is, through a link as well', async () => {
  const server = createServer().listen(at('socket'));
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  expect(() => textOfOrdinaryFile(at('socket'))).toThrow(/not a regular file/);
  writeFileSync(at('full'), 'x'.repeat(mostBytes));
  symlinkSync(at('full'), at('link'));
  expect(textOfOrdinaryFile(at('link'))).toHaveLength(mostBytes);
});

describe.each(noFiles)('given %s', (_, make) => {
  it('B10 an irregular file is refused as a credentials file', async () => {
    make(at('admin.json'));
    expect(() => openCredentialsFile(at('admin.json'))).toThrow(
      /the credentials file \S+admin\.json (cannot be read: too many symbolic links|is )/,
    );
    expect(() => readCredentials(at('admin.json'))).toThrow(
      /cannot be read: too many symbolic links|is not a regular file|is larger than/,
    );
    const { exitCode, stderr } = await cli('--creds', at('admin.json'), 'ps');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 4,
      stderr: expect.stringMatching(/the credentials file \S+admin\.json (cannot be read|is )/),
    });
  });

  it('B10 an irregular file is refused as a credentials file of the netavark door', async () => {
    mkdirSync(at('credentials'));
    make(at('credentials/operator.json'));
    const input = {};
    const named = { NETLOOM_RUN_DIR: '/nowhere', NETLOOM_CREDS: at('credentials/operator.json') };
    for (const env of [{ NETLOOM_RUN_DIR: directory.path }, named]) {
      const { code, stdout } = await runDoor(['create'], { env: env as Record<string, string>, input });
      expect({ code, ...JSON.parse(stdout) }).toEqual({
        code: 1,
        error: expect.stringMatching(/operator\.json (cannot be read|is not a credentials file)/),
      });
    }
  });

  it('B10 an irregular file is reported as a damaged network, and other networks stay readable and writable', () => {
    const store = new DefinitionStore(directory.path);
    store.write(definitionOf());
    make(at('x.json'));
    const { definitions, damaged } = store.list();
    expect(definitions.map(({ name }) => name)).toEqual(['demo']);
    expect(damaged).toEqual([{ file: 'x.json', reason: expect.stringMatching(/^the file /) }]);
    expect(faultOf(() => store.write({ ...definitionOf(), name: 'x' }))).toMatchObject({ errno: 'EUCLEAN' });
  });

  it('B10 an irregular file is not taken for a queued teardown, and the other teardowns are carried out', async () => {
    mkdirSync(at('teardowns'));
    make(at('teardowns/1.json'));
    writeFileSync(at('teardowns/2.json'), JSON.stringify({ id: 'c2', networks: ['web'] }));
    const done: string[] = [];
    const queue = new TeardownQueue(directory.path, async ({ id }) => done.push(id), pino({ enabled: false }));
    await queue.start();
    queue.stop();
    expect(done).toEqual(['c2']);
    expect(readdirSync(at('teardowns'))).not.toContain('2.json');
  });

  it('B10 an irregular file among the queued teardowns does not hold up the netavark door', async () => {
    mkdirSync(at('teardowns'));
    make(at('teardowns/1.json'));
    const input = {
      container_id: 'c1',
      networks: { web: {} },
      network_info: { web: { name: 'web', driver: 'bridge' } },
    };
    const { code } = await runDoor(['setup', '/x'], { env: { NETLOOM_RUN_DIR: directory.path }, input });
    expect(code).toBe(1);
  });

  it('B10 an irregular resolv.conf yields no name servers', () => {
    make(at('resolv.conf'));
    expect(new HostServers(at('resolv.conf')).servers).toEqual([]);
  });

  it("B10 an irregular file is refused as podman's configuration", () => {
    make(at('containers.conf'));
    // a dangling link counts as an absent file
    if (existsSync(at('containers.conf')))
      expect(() => installDropIn(directory.path, { doorDir: '/doors', runDir: null })).toThrow(/containers\.conf is /);
    mkdirSync(at('containers.conf.d'), { recursive: true });
    make(at('containers.conf.d/50-netloom.conf'));
    if (existsSync(at('containers.conf.d/50-netloom.conf')))
      expect(() => installedDropIn(directory.path)).toThrow(/50-netloom\.conf is /);
  });

  it('B10 an irregular daemon.pid does not count as the lock of a daemon', () => {
    make(at('daemon.pid'));
    const isDirectory = readdirSync(directory.path, { withFileTypes: true }).some(
      (entry) => entry.name === 'daemon.pid' && entry.isDirectory(),
    );
    if (isDirectory) return void expect(() => takeRunDirectory(directory.path)).toThrow();
    const held = takeRunDirectory(directory.path);
    expect(readFileSync(at('daemon.pid'), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
    held.release();
  });
});

describe('a place that netloom writes to', () => {
  it('B10 a file is written anew although a FIFO occupies the name of its draft', () => {
    fifo(at(`admin.json.${process.pid}.new`));
    writeCredentials(at('admin.json'), { url: 'nats://h', user: 'admin', password: 'p', node: 'n' });
    expect(readCredentials(at('admin.json'))).toMatchObject({ user: 'admin' });

    new DefinitionStore(directory.path).write(definitionOf());
    rmSync(at('demo.json'));
    fifo(at(`.demo.json.${process.pid}`));
    new DefinitionStore(directory.path).write(definitionOf());
    expect(readFileSync(at('demo.json'), 'utf8')).toContain('"demo"');

    fifo(at('10-netloom-br0.conf'));
    fifo(at('10-netloom-br0.conf.new'));
    expect(new SettingsFiles(directory.path).write('br0', 'net.ipv4.conf.br0.rp_filter = 2\n')).toBe(true);
    expect(readFileSync(at('10-netloom-br0.conf'), 'utf8')).toContain('rp_filter');
  });
});

describe('a request from a file', () => {
  it('B10 a request file is read up to the size limit of a request', async () => {
    const { exitCode, stderr } = await cli('container', 'create', '--file', '/dev/zero');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(/payload\.too-large: --file: \/dev\/zero is larger than 1048576 bytes/),
    });
  });

  it('B10 the netavark door stops at the same limit for its request file', async () => {
    const { code, stdout } = await runDoor(['-f', '/dev/zero', 'setup', '/x'], {});
    expect({ code, ...JSON.parse(stdout) }).toEqual({ code: 1, error: 'failed to open /dev/zero' });
  });
});

function faultOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
