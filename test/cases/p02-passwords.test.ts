import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectBus } from '../../src/bus/server/connection.ts';
import { parseServerUrl, shownUrl, withoutPasswords } from '../../src/bus/server/server-url.ts';
import { serverBinary } from '../../src/cli/doctor/machine.ts';
import { reportFailure } from '../../src/cli/failure.ts';
import { shownArguments } from '../../src/cli/process-title.ts';
import { connect } from '../../src/client.ts';
import { cli } from '../cli/netloom.ts';
import { runDoor } from '../doors/door.ts';
import { endWithTest, untilAnswered } from '../support/daemon.ts';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';
import { OutsideServer } from '../support/outside-server.ts';

/** A password in a NATS URL is never shown. */

const main = createRequire(import.meta.url).resolve('#cli');
const secret = 's3cr3t';
/** no server listens there */
const closed = `nats://nl:${secret}@127.0.0.1:1`;

const thrown = async (act: () => unknown): Promise<string> => {
  try {
    await act();
    return 'nothing was thrown';
  } catch (error) {
    const { message, cause } = error as Error;
    return [message, JSON.stringify(error), (cause as Error | undefined)?.message].join('\n');
  }
};

describe('a NATS URL', () => {
  it.each([
    ['nats://h:4222', 'nats://h:4222'],
    [' h:4222 , other ', 'h:4222,other'],
    ['nats://h1:4222,h2', 'nats://h1:4222,h2'],
    ['nats://nl:s3cr3t@h:4222', 'nats://h:4222'],
    ['tls://nl:s3cr3t@h', 'tls://h'],
    ['nl:s3cr3t@h', 'nats://h'],
    ['nats://s3cr3t@h', 'nats://h'],
    ['nats://:s3cr3t@h', 'nats://h'],
    ['nats://nl:s3%2Fcr3t%40@[::1]:4222/', 'nats://[::1]:4222'],
    ['nats://a:s3cr3t@h1,nats://a:s3cr3t@h2,nats://h3', 'nats://h1,nats://h2,nats://h3'],
  ])('P02 a NATS URL is shown without user, password and token: %s', (url, shown) => {
    expect(parseServerUrl(url).url).toBe(shown);
    expect(shownUrl(url)).toBe(shown);
  });

  it.each([
    'nats://nl:s3cr3t',
    'nats://nl:s3/cr3t@h',
    'nats://nl:12#s3cr3t@h',
    'nats://nl:12?s3cr3t@h',
    'nats://nl:s3cr3t,t@h',
    'nats://nl:12,s3cr3t@h',
    'nats://nl:s3cr3t%zz@h',
    'nats://nl:s3cr3t@',
    'nats://a:s3cr3t@h1,nats://b:s3cr3t@h2',
    'nats://',
  ])('P02 an unparsable NATS URL is refused without quoting it: %s', async (url) => {
    expect(shownUrl(url)).toBe('***');
    const message = await thrown(() => connectBus({ url, name: 'test' }));
    expect(message).toMatch(/invalid NATS URL: (expected nats:\/\/|its servers have different users)/);
    expect(message).not.toMatch(/s3|cr3t/);
  });

  it('P02 passwords are hidden in texts of other origin', () => {
    expect(withoutPasswords(`unknown option '--nats-ulr=${closed}' of netloom`)).toBe(
      "unknown option '--nats-ulr=nats://***@127.0.0.1:1' of netloom",
    );
    expect(withoutPasswords('mail a@b, see https://example.org')).toBe('mail a@b, see https://example.org');
  });

  it('P02 the URL pattern in a message is not taken for a password', async () => {
    const { stderr } = await cli('ps', '--nats-url', 'nats://');
    expect(stderr).toContain('invalid NATS URL: expected nats://[user:password@]host[:port], several');
    expect(withoutPasswords('nats://[user:password@]h:4222')).toBe('nats://***@]h:4222');
  });

  it('P02 passwords are hidden in the arguments of a process', () => {
    expect(shownArguments(['--nats-url', closed, 'ps', '--json'])).toEqual([
      '--nats-url',
      'nats://127.0.0.1:1',
      'ps',
      '--json',
    ]);
    expect(shownArguments([`--nats-url=${closed}`])).toEqual(['--nats-url=nats://127.0.0.1:1']);
    expect(shownArguments(['--nats-url', 'nats://nl:s3cr3t'])).toEqual(['--nats-url', '***']);
    expect(shownArguments(['run', '--', 'curl', `http://a:${secret}@h/`])).toEqual([
      'run',
      '--',
      'curl',
      'http://***@h/',
    ]);
  });
});

describe('an error', () => {
  it.each([
    ['no server answers', ['--nats-url', closed, 'ps']],
    ['as JSON', ['--json', '--nats-url', closed, 'ps']],
    ['an option is not known', [`--nats-ulr=${closed}`, 'ps']],
    ['an argument is one too many', ['ps', closed]],
    ['credentials are named, too', ['--nats-url', closed, '--creds', '/nonexist', 'ps']],
  ])('P02 an error does not show the password when %s', async (_, args) => {
    const { stdout, stderr, exitCode } = await cli(...args);
    expect(exitCode).toBeGreaterThan(0);
    expect(stderr).not.toBe('');
    expect(stdout + stderr).not.toContain(secret);
  });

  it('P02 an error does not show the password in its stack, as printed with NETLOOM_DEBUG=1', () => {
    vi.stubEnv('NETLOOM_DEBUG', '1');
    onTestFinished(() => void vi.unstubAllEnvs());
    const lines: string[] = [];
    const terminal = { print: () => {}, warn: (text: string) => void lines.push(text), colored: false };
    reportFailure(terminal, new Error(`cannot use ${closed}`), false);
    expect(lines).toEqual([
      'netloom: internal.unexpected: cannot use nats://***@127.0.0.1:1',
      expect.stringMatching(/^Error: cannot use nats:\/\/\*\*\*@127\.0\.0\.1:1\n +at /),
    ]);
  });

  it('P02 an error does not show the password to a program', async () => {
    expect(await thrown(() => connect({ url: closed }))).not.toContain(secret);
  });

  it('P02 an error of the netavark door does not show the password', async () => {
    const { stdout, stderr, code } = await runDoor(['create'], { env: { NATS_URL: closed }, input: {} });
    expect(code).toBe(1);
    expect(JSON.parse(stdout).error).toContain('nats://***@127.0.0.1:1');
    expect(stdout + stderr).not.toContain(secret);
  });

  it('P02 a finding of doctor does not show the password', () => {
    expect(serverBinary(closed).found).toBe('not needed: nats://127.0.0.1:1 is used');
  });
});

/** What every user of the host can see of it. */
const shown = (pid: number | undefined) =>
  ['cmdline', 'comm'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1')).join('\n');

describe('a process', () => {
  it('P02 a process does not show the password to other users, once it is connected to NATS', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const child = execa(process.execPath, [main, '--nats-url', `nats://nl:${secret}@127.0.0.1:${port}`, 'ps'], {
      reject: false,
    });
    const [socket] = (await once(silent, 'connection')) as [Socket];
    const text = shown(child.pid);
    child.kill('SIGKILL');
    socket.destroy();
    await child;
    expect(text).not.toContain(secret);
    expect(text).toContain(`netloom --nats-url nats://127.0.0.1:${port} ps`);
  });
});

describe('a daemon with an outside server', () => {
  let directory: ReturnType<typeof temporaryDirectory>;
  beforeAll(async () => {
    await becomeFreshHost();
    directory = temporaryDirectory();
  });
  afterAll(() => directory.remove());

  it.each([
    ['--nats-url', (url: string) => ({ args: ['--nats-url', url], env: {} })],
    ['NATS_URL', (url: string) => ({ args: [], env: { NATS_URL: url } })],
  ])('P02 a daemon never shows the password of %s', async (_, how) => {
    const outside = await OutsideServer.start('');
    await outside.run(`${outside.jetstream}authorization { users: [{user: nl, password: ${secret}}] }\n`);
    const url = outside.url.replace('//', `//nl:${secret}@`);
    const { args, env } = how(url);
    const places = ['--run-dir', `${directory.path}/run`, '--state-dir', `${directory.path}/state`, '--node', 'here'];
    const daemon = execa(process.execPath, [main, 'daemon', ...places, '--log-level', 'trace', ...args], {
      env,
      reject: false,
    });
    endWithTest(daemon);
    const [line] = await once(createInterface({ input: daemon.stdout }), 'line');
    expect(line).toContain(`, ${outside.url}, `);
    const client = await connect({ url, node: 'here' });
    const answer = JSON.stringify(await client.info());
    const title = shown(daemon.pid);
    // its connection is lost, and it reports that
    await outside.run(`${outside.jetstream}authorization { users: [{user: nl, password: other}] }\n`);
    await outside.run(`${outside.jetstream}authorization { users: [{user: nl, password: ${secret}}] }\n`);
    await untilAnswered(() => client.info({ timeoutMs: 500 }));
    await client.close();
    daemon.kill('SIGTERM');
    const { stdout, stderr, exitCode } = await daemon;
    expect(exitCode).toBe(0);
    for (const text of [answer, title, stdout, stderr]) expect(text).not.toContain(secret);
  });
});
