import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { serveCommands } from '../../src/bus/commands/service.ts';
import { connectBus } from '../../src/bus/server/connection.ts';
import { credentialsFile, writeCredentials } from '../../src/bus/server/credentials.ts';
import { discover, outsideServer, type Wanted } from '../../src/bus/server/discover.ts';
import { connect } from '../../src/client.ts';
import { connected, directories, FakeEngine, node, server } from '../bus/support.ts';
import { cli } from '../cli/netloom.ts';
import { runDoor } from '../doors/door.ts';
import { info, ScriptedServer } from '../doors/scripted-server.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';
import { natsAccount } from '../support/nats-jwt.ts';
import { OutsideServer } from '../support/outside-server.ts';

/** Named credentials are used, or an error names them; an admin's credentials are available beside them all the time. */

const url = 'nats://127.0.0.1:1';
let directory: ReturnType<typeof temporaryDirectory>;
const at = (name: string) => `${directory.path}/${name}`;
const runDir = () => directory.path;

beforeAll(() => {
  directory = temporaryDirectory();
  for (const role of ['admin', 'operator', 'viewer'] as const) {
    const credentials = { url, user: role, password: `pw-${role}`, node };
    writeCredentials(credentialsFile(runDir(), role), credentials);
    writeCredentials(at(`${role}-token`), credentials);
  }
  chmodSync(directory.path, 0o755);
  writeFileSync(at('user.json'), natsAccount().creds);
  writeFileSync(at('half.json'), JSON.stringify({ url, user: 'viewer' }));
  writeFileSync(at('empty'), '');
  mkdirSync(at('directory'));
});
afterAll(() => directory.remove());

const find = (wanted: Wanted, environment: Record<string, string> = {}) =>
  discover({ runDir: runDir(), ...wanted }, environment);

const faultOf = (act: () => unknown) => {
  try {
    return act();
  } catch (error) {
    return (error as { fault: unknown }).fault;
  }
};

const refused = (code: string, message: RegExp) => ({ code, message: expect.stringMatching(message) });

describe('the credentials file of the daemon', () => {
  const file = () => credentialsFile(runDir(), 'admin');
  afterEach(() => {
    chownSync(file(), 0, 0);
    chmodSync(file(), 0o600);
  });

  it.each<[string, () => void, RegExp]>([
    ['another user owns it', () => chownSync(file(), 65_534, 0), /admin\.json belongs to user 65534, so what is in it/],
    [
      'others may write to it',
      () => chmodSync(file(), 0o666),
      /admin\.json can be written by others, so what is in it/,
    ],
    [
      'its group may write to it',
      () => chmodSync(file(), 0o620),
      /admin\.json can be written by others, so what is in it/,
    ],
  ])('P01 the credentials file of the daemon is refused when %s, and accepted when it is named', (_, change, words) => {
    expect(find({})).toMatchObject({ user: 'admin' });
    change();
    expect(faultOf(() => find({}))).toEqual(refused('bus.unauthorized', words));
    expect(find({ creds: file() })).toMatchObject({ user: 'admin' });
  });
});

describe('a named credentials file', () => {
  it.each([
    ['as an option', (file: string) => find({ creds: file })],
    ['by NETLOOM_CREDS', (file: string) => find({}, { NETLOOM_CREDS: file })],
    ['as an option, before NETLOOM_CREDS', (file: string) => find({ creds: file }, { NETLOOM_CREDS: at('empty') })],
    ['though a run directory is named, too', (file: string) => find({ creds: file }, { NETLOOM_RUN_DIR: '/nowhere' })],
  ])('P01 a credentials file is used %s, whatever its name ends in', (_, how) => {
    expect(how(at('viewer-token'))).toMatchObject({
      url,
      user: 'viewer',
      password: 'pw-viewer',
      inboxPrefix: '_INBOX.viewer',
      node,
    });
  });

  it('P01 a credentials file counts as one of NATS by its content, whatever its name ends in', () => {
    expect(find({ creds: at('user.json'), url })).toMatchObject({ url, creds: at('user.json') });
    expect(faultOf(() => find({ creds: at('user.json') }))).toEqual(
      refused('payload.invalid', /user\.json has credentials and no server: give a NATS URL too/),
    );
  });

  it.each([
    ['that does not exist', 'nothing', 'bus.unauthorized', /nothing cannot be read: no such file or directory/],
    ['that is a directory', 'directory', 'bus.unauthorized', /directory is not a regular file/],
    ['that is empty', 'empty', 'bus.unauthorized', /empty is not a credentials file: expected JSON with url, user/],
    ['that lacks fields', 'half.json', 'bus.unauthorized', /half\.json is not a credentials file/],
  ] as const)('P01 a credentials file %s is refused by name', (_, name, code, message) => {
    for (const how of [{ creds: at(name) }, { creds: at(name), url }])
      expect(faultOf(() => find(how))).toEqual(refused(code, message));
    expect(faultOf(() => find({}, { NETLOOM_CREDS: at(name) }))).toEqual(refused(code, message));
  });

  it('P01 a credentials file with an empty name is refused', () => {
    expect(faultOf(() => find({ creds: '' }))).toEqual(
      refused('payload.invalid', /name of the credentials file must not be empty/),
    );
    expect(faultOf(() => find({}, { NETLOOM_CREDS: '' }))).toEqual(
      refused('payload.invalid', /NETLOOM_CREDS must not be empty/),
    );
    expect(faultOf(() => find({ url }, { NETLOOM_CREDS: '' }))).toEqual(
      refused('payload.invalid', /NETLOOM_CREDS must not be empty/),
    );
  });

  it('P01 a credentials file with damaged keys is refused before a server is asked', async () => {
    writeFileSync(at('damaged'), natsAccount().creds.replace(/^S[A-Z0-9]{20}/m, 'S00000000000000000000'));
    await expect(connect({ creds: at('damaged'), url })).rejects.toMatchObject({
      fault: refused('bus.unauthorized', /the credentials in \S+damaged are damaged/),
    });
  });
});

describe('user and server', () => {
  const withUser = 'nats://someone:word@127.0.0.1:1';

  it.each<[string, Wanted, Record<string, string>, Record<string, unknown>]>([
    ['no input: the admin of this host', {}, {}, { url, user: 'admin', node }],
    ['a URL: no user', { url }, {}, { url, user: undefined, creds: undefined }],
    ['NATS_URL: no user', {}, { NATS_URL: url }, { url, user: undefined, creds: undefined }],
    ['an empty NATS_URL: the same as an absent one', {}, { NATS_URL: '' }, { url, user: 'admin' }],
    ['an empty NETLOOM_NODE: the same as an absent one', {}, { NETLOOM_NODE: '' }, { node }],
    ['a URL before NATS_URL', { url }, { NATS_URL: 'nats://192.0.2.1' }, { url }],
    ['a user before NETLOOM_CREDS', { url, user: 'a' }, { NETLOOM_CREDS: '/nowhere' }, { user: 'a', creds: undefined }],
    ['a user before that of NATS_URL', { user: 'a' }, { NATS_URL: withUser }, { url, user: 'a' }],
    ['a URL with a user before NETLOOM_CREDS', { url: withUser }, { NETLOOM_CREDS: '/nowhere' }, { url: withUser }],
    ['a node before that of a file', { node: 'other' }, {}, { node: 'other' }],
  ])('P01 the user and server follow from %s', (_, wanted, environment, expected) => {
    expect({ user: undefined, creds: undefined, ...find(wanted, environment) }).toMatchObject(expected);
  });

  it('P01 the URL decides about the server, and the file about the user', () => {
    const elsewhere = 'tls://192.0.2.1:4222';
    for (const found of [
      find({ creds: at('viewer-token'), url: elsewhere }),
      find({ creds: at('viewer-token') }, { NATS_URL: elsewhere }),
      find({}, { NATS_URL: elsewhere, NETLOOM_CREDS: at('viewer-token') }),
    ])
      expect(found).toMatchObject({ url: elsewhere, creds: at('viewer-token'), node });
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'a file and a URL with a user',
      () => find({ creds: at('viewer-token'), url: withUser }),
      /viewer-token and the NATS URL/,
    ],
    [
      'NETLOOM_CREDS and NATS_URL with a user',
      () => find({}, { NETLOOM_CREDS: at('viewer-token'), NATS_URL: withUser }),
      /viewer-token and the NATS URL/,
    ],
    ['a file and a user', () => find({ creds: at('viewer-token'), user: 'a' }), /viewer-token and the user/],
    ['a user and a token', () => find({ url, user: 'a', token: 'b' }), /the user and the token/],
    ['a URL with two users', () => find({ url: 'nats://a:b@127.0.0.1,nats://c:d@127.0.0.2' }), /different users/],
    ['a user without a server', () => find({ user: 'a', password: 'b' }), /a user or a token needs a server/],
    ['a token without a server', () => find({ token: 'b' }), /a user or a token needs a server/],
    ['a password without a user', () => find({ url, password: 'b' }), /a password needs a user/],
    ['an empty user', () => find({ user: '' }), /the user must not be empty/],
    ['an empty token', () => find({ token: '' }), /the token must not be empty/],
    ['an empty URL', () => find({ url: '' }), /the NATS URL must not be empty/],
    ['an empty run directory', () => find({ runDir: '' }), /the run directory must not be empty/],
  ])('P01 contradictory or incomplete credentials are refused: %s', (_, act, message) => {
    expect(faultOf(act)).toEqual(refused('payload.invalid', message));
  });

  it('P01 a node that cannot be part of a subject is refused', () => {
    expect(faultOf(() => find({}, { NETLOOM_NODE: 'a.b' }))).toEqual(refused('name.invalid', /"a\.b" is not a name/));
  });
});

describe('a server that does not answer', () => {
  it('P12 an unreachable server is reported with a hint where the daemon wrote its address, and without one where a user gave it', async () => {
    const words = /^no NATS server answers at \S+: connection refused/;
    const hint = /; is the daemon running\? start it: netloom daemon$/;
    const messageOf = (wanted: Wanted) => connect({ runDir: runDir(), ...wanted }).catch(({ message }) => message);
    for (const wanted of [{}, { creds: at('viewer-token') }]) {
      expect(await messageOf(wanted)).toMatch(words);
      expect(await messageOf(wanted)).toMatch(hint);
    }
    expect(await messageOf({ url })).toMatch(words);
    expect(await messageOf({ url })).not.toMatch(hint);
  });
});

describe('a daemon', () => {
  it('P01 a daemon uses the named credentials for its outside server, and ignores NETLOOM_CREDS without one', () => {
    expect(outsideServer({}, {})).toBeNull();
    expect(outsideServer({}, { NETLOOM_CREDS: at('viewer-token') })).toBeNull();
    expect(outsideServer({ url, creds: at('viewer-token') }, {})).toEqual({ url, creds: at('viewer-token') });
    expect(outsideServer({}, { NATS_URL: url, NETLOOM_CREDS: at('user.json') })).toEqual({
      url,
      creds: at('user.json'),
    });
  });

  it.each([
    ['a file without a server', ['--creds', 'viewer-token'], 2, /is for a NATS server of yours: give its URL, too/],
    ['an empty name', ['--nats-url', url, '--creds', ''], 2, /--creds must not be empty/],
    [
      'a file that is not there',
      ['--nats-url', url, '--creds', '/nonexist'],
      4,
      /\/nonexist cannot be read: no such file or directory/,
    ],
    ['an empty run directory', ['--run-dir', ''], 2, /--run-dir \(NETLOOM_RUN_DIR\) must not be empty/],
  ])('P01 a daemon refuses, before it begins anything, %s', async (_, args, code, message) => {
    const main = createRequire(import.meta.url).resolve('#cli');
    const places = ['--run-dir', at('run'), '--state-dir', at('state')];
    const { exitCode, stderr } = await execa(process.execPath, [main, 'daemon', ...places, ...args], { reject: false });
    expect({ exitCode, stderr }).toEqual({ exitCode: code, stderr: expect.stringMatching(message) });
    expect(stderr.split('\n')).toHaveLength(1);
  });
});

describe('the command line', () => {
  const words = (...args: string[]) => cli('--run-dir', runDir(), ...args);

  it.each([
    ['--creds', '/nonexist', 4, /credentials file \/nonexist cannot be read: no such file or directory/],
    ['--creds', '', 2, /--creds must not be empty/],
    ['--run-dir', '', 2, /--run-dir must not be empty/],
  ])('P01 the command line does not fall back to other credentials: %s %j', async (option, value, code, message) => {
    const { exitCode, stderr } = await words(option, value, 'ps');
    expect({ exitCode, stderr }).toEqual({ exitCode: code, stderr: expect.stringMatching(message) });
  });

  it("P01 the command line is a viewer with a copy of a viewer's file", async () => {
    const where = directories();
    await server(where);
    const service = await serveCommands({
      nc: await connected(where.runDir),
      engine: new FakeEngine(),
      node,
      version: '0.0.0',
    });
    onTestFinished(() => service.stop());
    const copy = at('copy');
    writeCredentials(copy, JSON.parse((await execa('cat', [credentialsFile(where.runDir, 'viewer')])).stdout));
    for (const args of [
      ['--run-dir', where.runDir, '--creds', copy],
      ['--creds', copy],
    ]) {
      const { exitCode, stderr } = await cli(...args, 'network', 'create', 'oops');
      expect({ exitCode, stderr }).toEqual({ exitCode: 125, stderr: expect.stringContaining('bus.unauthorized') });
      expect((await cli(...args, 'node', 'info')).exitCode).toBe(0);
    }
  });
});

describe('a .creds file of NATS', () => {
  it('P01 a NATS server accepts its .creds file, whatever the name ends in, and one of another operator is refused by name', async () => {
    const { config, creds } = natsAccount();
    const { url } = await OutsideServer.start(config);
    writeFileSync(at('own.json'), creds);
    await (await connectBus({ url, creds: at('own.json'), name: 'test' })).close();
    await expect(connectBus({ url, creds: at('user.json'), name: 'test' })).rejects.toMatchObject({
      fault: refused('bus.unauthorized', /refuses the credentials in \S+user\.json/),
    });
  });
});

describe('the netavark door', () => {
  const ask = async (env: Record<string, string>) => {
    const { code, stdout } = await runDoor(['create'], { env: { NETLOOM_RUN_DIR: runDir(), ...env }, input: {} });
    return { code, ...JSON.parse(stdout) };
  };

  it('P01 the netavark door uses the named file, whatever its name ends in', async () => {
    const scripted = await ScriptedServer.open();
    onTestFinished(() => scripted.close());
    scripted.script = (socket, received) => {
      socket.write(info());
      socket.on('data', () => received.text.includes('PING\r\n') && socket.end());
    };
    writeCredentials(at('there'), { url: scripted.url, user: 'viewer', password: 'pw', node });
    await ask({ NETLOOM_CREDS: at('there') });
    expect(scripted.received[0]?.text).toContain('"user":"viewer"');
  });

  it.each([
    ['nothing', {}, /nothing cannot be read: No such file/],
    ['directory', {}, /directory cannot be read: it is not a regular file/],
    ['empty', {}, /empty is not a credentials file/],
    ['half.json', {}, /half\.json is not a credentials file/],
    ['user.json', {}, /user\.json has credentials and no server/],
    ['viewer-token', { NATS_URL: 'nats://a:s3cr3t@127.0.0.1:1' }, /viewer-token and NATS_URL both have credentials/],
  ])('P01 the netavark door refuses %s by name', async (name, more, message) => {
    const answer = await ask({ NETLOOM_CREDS: at(name), ...more });
    expect(answer).toEqual({ code: 1, error: expect.stringMatching(message) });
    expect(answer.error).not.toContain('s3cr3t');
  });

  it('P01 the netavark door refuses an empty name', async () => {
    expect(await ask({ NETLOOM_CREDS: '' })).toEqual({
      code: 1,
      error: expect.stringMatching(/NETLOOM_CREDS is empty/),
    });
    expect(await ask({ NETLOOM_CREDS: '', NATS_URL: url })).toEqual({
      code: 1,
      error: expect.stringMatching(/NETLOOM_CREDS is empty/),
    });
  });
});
