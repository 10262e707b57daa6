import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serveCommands } from '../../src/bus/commands/service.ts';
import { OutboxPublisher } from '../../src/bus/events/outbox.ts';
import { connectBus, refuseOpenServer } from '../../src/bus/server/connection.ts';
import { credentialsFile, readCredentials } from '../../src/bus/server/credentials.ts';
import { silent } from '../../src/bus/server/log.ts';
import { type Permissions, permissionsOf } from '../../src/bus/server/roles.ts';
import { startServer } from '../../src/bus/server/server.ts';
import { endOrphan, findServerBinary } from '../../src/bus/server/server-process.ts';
import { connect } from '../../src/client.ts';
import type { Role } from '../../src/contract/command.ts';
import { processesOf } from '../support/daemon.ts';
import { fakeServer, standStill } from '../support/fake-server.ts';
import { freePort, OutsideServer } from '../support/outside-server.ts';
import { client, connected, directories, FakeEngine, FakeOutbox, node, server, until } from './support.ts';

const alive = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
  } catch {
    return false;
  }
};

/** The permissions of a daemon on an external server, as docs/security.md gives them. */
const daemonPermissions: Permissions = {
  publish: [`netloom.v1.${node}.>`, '$JS.API.>', '_INBOX.>'],
  subscribe: [`netloom.v1.${node}.>`, '$SRV.>', '_INBOX.>'],
};

const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8);

describe("the daemon's own nats-server", () => {
  it("the daemon's own nats-server keeps its secrets to root", async () => {
    const { runDir, stateDir } = directories();
    await server({ runDir, stateDir });
    for (const role of ['admin', 'operator', 'viewer'] as const) {
      expect(mode(credentialsFile(runDir, role))).toBe('600');
      expect(readCredentials(credentialsFile(runDir, role))).toMatchObject({ user: role, node });
    }
    expect(mode(join(runDir, 'credentials'))).toBe('700');
    expect(mode(join(runDir, 'nats'))).toBe('700');
    expect(mode(join(runDir, 'nats', 'nats-server.conf'))).toBe('600');
  });

  it("the daemon's own nats-server explains to other users than root what to do instead", async () => {
    const { runDir, stateDir } = directories();
    await server({ runDir, stateDir });
    process.seteuid?.(65534);
    const attempt = connect({ creds: credentialsFile(runDir, 'admin') });
    process.seteuid?.(0);
    await expect(attempt).rejects.toMatchObject({
      fault: {
        code: 'bus.unauthorized',
        message: expect.stringMatching(
          /admin\.json cannot be read: permission denied; use sudo, or .*--creds, NETLOOM_CREDS/,
        ),
      },
    });
  });

  it("the daemon's own nats-server has its warnings logged, except the one about plain passwords", async () => {
    const heard: string[] = [];
    const log = { ...silent, warn: (fields: object) => void heard.push(JSON.stringify(fields)) };
    const { url } = await server({ ...directories(), log });
    await connectBus({ url, user: 'admin', password: 'guess', name: 'test' }).catch(() => {});
    await until(() => heard.some((line) => line.includes('authentication error')));
    expect(heard.filter((line) => line.includes('Plaintext'))).toEqual([]);
  });

  it("P12 the daemon's own nats-server explains that its port is in use, and only once", async () => {
    const { url } = await server();
    const heard: string[] = [];
    const log = { ...silent, warn: (fields: object) => void heard.push(JSON.stringify(fields)) };
    const port = Number(new URL(url).port);
    await expect(server({ ...directories(), port, log })).rejects.toMatchObject({
      fault: {
        code: 'bus.unreachable',
        message: expect.stringMatching(
          /^nats-server does not serve 127\.0\.0\.1:\d+: it ended with exit status 1: the port is in use by another program \(--nats-port/,
        ),
      },
    });
    expect(heard).toEqual([]);
  });

  it.each<[string, (file: string) => void]>([
    ['another user owns', (file) => chownSync(file, 65_534, 65_534)],
    ['others may write to', (file) => chmodSync(file, 0o666)],
    [
      'another user put there as a link',
      (file) => [renameSync(file, `${file}.a`), symlinkSync(`${file}.a`, file), lchownSync(file, 65_534, 65_534)],
    ],
  ])("B11 the daemon's own nats-server refuses the password in a file that %s", async (_, change) => {
    const where = directories();
    const first = await startServer({ node, port: 0, ...where });
    await first.stop();
    const file = (role: Role) => credentialsFile(where.runDir, role);
    const before = readCredentials(file('operator'));
    change(file('admin'));
    const heard: object[] = [];
    const second = await server({ ...where, log: { ...silent, warn: (fields) => void heard.push(fields) } });
    expect(second.credentials.password).not.toBe(first.credentials.password);
    expect(readCredentials(file('admin'))?.password).toBe(second.credentials.password);
    expect(readCredentials(file('operator'))?.password).toBe(before?.password);
    expect(heard).toContainEqual({
      file: file('admin'),
      reason: expect.stringMatching(/belongs to user 65534|others may write/),
    });
  });

  it("B12 the daemon's own nats-server is stopped when the start fails after it", async () => {
    const { runDir, stateDir } = directories();
    mkdirSync(runDir);
    symlinkSync(join(runDir, 'nowhere', 'x'), join(runDir, 'credentials'));
    await expect(startServer({ node, port: 0, runDir, stateDir })).rejects.toMatchObject({ code: 'EEXIST' });
    expect(processesOf({ directory: runDir })).toEqual([]);
  });

  it("the daemon's own nats-server listens on loopback only", async () => {
    const { url } = await server();
    const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
    const sockets = ['tcp', 'tcp6'].flatMap((family) => readFileSync(`/proc/net/${family}`, 'utf8').split('\n'));
    const listening = sockets
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local]) => local?.endsWith(`:${port}`));
    expect(new Set(listening.filter(([, , , state]) => state === '0A').map(([, local]) => local))).toEqual(
      new Set([`0100007F:${port}`]),
    );
  });

  it("the daemon's own nats-server refuses a wrong password, and none", async () => {
    const { url } = await server();
    await expect(connectBus({ url, user: 'admin', password: 'guess', name: 'test' })).rejects.toMatchObject({
      fault: { code: 'bus.unauthorized', message: expect.stringContaining('user admin') },
    });
    await expect(connectBus({ url, name: 'test' })).rejects.toMatchObject({ fault: { code: 'bus.unauthorized' } });
  });

  it("the daemon's own nats-server keeps passwords and port when the daemon is restarted", async () => {
    const where = directories();
    const first = await startServer({ node, port: 0, ...where });
    await first.stop();
    const second = await server(where);
    expect(second.credentials).toEqual(first.credentials);
  });

  it("the daemon's own nats-server ends with the daemon", async () => {
    const started = await server();
    const pid = started.pid() as number;
    await started.stop();
    expect(alive(pid)).toBe(false);
    expect(started.pid()).toBeNull();
  });

  it("the daemon's own nats-server is restarted when it dies, and commands are answered again", async () => {
    const where = directories();
    const started = await server(where);
    const nc = await connected(where.runDir);
    const service = await serveCommands({ nc, engine: new FakeEngine(), node, version: '0.1.0' });
    onTestFinished(() => service.stop());
    const admin = await client(where.runDir);
    const pid = started.pid() as number;
    process.kill(pid, 'SIGKILL');
    await until(() => started.pid() !== null && started.pid() !== pid);
    await until(() =>
      admin.container.teardown({ id: 'web' }, { timeoutMs: 100 }).then(
        () => true,
        () => false,
      ),
    );
  });

  it("the daemon's own nats-server is not restarted when it is stopped while it was dead", async () => {
    const started = await server();
    process.kill(started.pid() as number, 'SIGKILL');
    await until(() => started.pid() === null);
    await started.stop();
    expect(started.pid()).toBeNull();
  });

  it("B12 the daemon's own nats-server is stopped at once while a restart of it does not finish", async () => {
    const where = directories();
    const path = process.env.PATH;
    onTestFinished(() => {
      process.env.PATH = path;
    });
    const real = findServerBinary();
    const stands = join(where.stateDir, 'stands-still');
    const bin = fakeServer(where.stateDir, `[ -e ${stands} ] || exec ${real} "$@"; ${standStill}`);
    process.env.PATH = `${bin}:${path}`;
    const started = await server(where);
    writeFileSync(stands, '');
    process.kill(started.pid() as number, 'SIGKILL');
    await until(() => execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' }).includes(`${bin}/nats-server`));
    const begun = performance.now();
    await started.stop();
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  it("the daemon's own nats-server reports the program that has its port", async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    await expect(startServer({ node, ...directories(), port })).rejects.toMatchObject({
      fault: { code: 'bus.unreachable', message: expect.stringContaining('the port is in use by another program') },
    });
  });

  it("the daemon's own nats-server is not confused with another NATS server on its port", async () => {
    const other = await server();
    const port = Number(new URL(other.url).port);
    await expect(startServer({ node, ...directories(), port })).rejects.toMatchObject({
      fault: { code: 'bus.unreachable' },
    });
  });

  it("the daemon's own nats-server is found in /usr/sbin, which a user's PATH does not contain", () => {
    expect(findServerBinary('')).toMatch(/nats-server$/);
  });
});

describe('a server whose daemon was killed', () => {
  it('a server whose daemon was killed is ended by the next daemon, which gets its port, its passwords and its events', async () => {
    const where = directories();
    const daemon = await daemonWithServer(where);
    const nc = await connected(where.runDir);
    const orphan = Number(readFileSync(join(where.runDir, 'nats', 'nats-server.pid'), 'utf8'));
    daemon.kill('SIGKILL');
    await new Promise((resolve) => daemon.once('exit', resolve));
    expect(alive(orphan)).toBe(true);

    const next = await server(where);
    expect(alive(orphan)).toBe(false);
    expect(next.pid()).not.toBe(orphan);
    await nc.flush().catch(() => nc.flush());
  });

  it('a server whose daemon was killed is left alone when its PID belongs to another process by now', async () => {
    const { runDir, stateDir } = directories();
    const started = await server({ runDir, stateDir });
    const pidFile = join(runDir, 'nats', 'nats-server.pid');
    writeFileSync(pidFile, String(process.pid));
    await endOrphan(pidFile, join(runDir, 'nats', 'nats-server.conf'), silent);
    expect(alive(started.pid() as number)).toBe(true);
  });
});

describe('an external server', () => {
  const outside = async (config: string) => (await OutsideServer.start(config)).url;

  it('an external server is refused when it accepts clients without credentials', async () => {
    const url = await outside('');
    await expect(refuseOpenServer({ url })).rejects.toMatchObject({ fault: { code: 'bus.open' } });
  });

  it('an external server is refused when it accepts anybody as a default user, though its INFO asks for credentials', async () => {
    const url = await outside('authorization { users: [{user: a, password: b}] }\nno_auth_user: a\n');
    await expect(refuseOpenServer({ url })).rejects.toMatchObject({ fault: { code: 'bus.open' } });
  });

  it('an external server is accepted when it requires credentials, which the URL may contain', async () => {
    const url = await outside('authorization { users: [{user: a, password: "b/c"}] }\n');
    const withUser = url.replace('//', '//a:b%2Fc@');
    await refuseOpenServer({ url: withUser });
    const nc = await connectBus({ url: withUser, name: 'test' });
    await nc.close();
  });

  it('an external server serves a daemon, an operator and a viewer with the permissions that the docs give', async () => {
    const user = (name: string, permissions: Permissions | null) => ({ user: name, password: name, permissions });
    const users = [user('daemon', daemonPermissions), user('operator', permissionsOf('operator', node))];
    users.push(user('viewer', permissionsOf('viewer', node)));
    const { stateDir } = directories();
    const config = `jetstream { store_dir: "${stateDir}" }\nauthorization: ${JSON.stringify({ users })}\n`;
    const url = await outside(config);
    const nc = await connectBus({ url, user: 'daemon', password: 'daemon', name: 'daemon' });
    const service = await serveCommands({ nc, engine: new FakeEngine(), node, version: '0.1.0' });
    const outbox = new FakeOutbox();
    const publisher = new OutboxPublisher({ nc, outbox, node });
    const [operator, viewer] = await Promise.all(
      ['operator', 'viewer'].map((name) =>
        connect({ url, node, user: name, password: name, inboxPrefix: `_INBOX.${name}` }),
      ),
    );
    onTestFinished(async () => {
      await Promise.all([operator?.close(), viewer?.close(), publisher.stop(), service.stop()]);
      await nc.close();
    });
    expect(await operator?.container.teardown({ id: 'web' })).toEqual({ id: 'web' });
    outbox.commit('torn-down');
    expect(await publisher.flush(5000)).toBe(true);
    const heard: string[] = [];
    for await (const { type } of viewer?.events({ since: 'all', follow: false }) ?? []) heard.push(type);
    expect(heard).toEqual(['dev.netloom.container.torn-down']);
    await expect(viewer?.container.teardown({ id: 'web' })).rejects.toMatchObject({
      fault: { code: 'bus.unauthorized' },
    });
  });

  it('an external server is reported as unreachable when no server answers', async () => {
    const url = `nats://127.0.0.1:${await freePort()}`;
    await expect(connectBus({ url, name: 'test' })).rejects.toMatchObject({
      fault: { code: 'bus.unreachable', message: expect.stringContaining(url) },
    });
    await expect(refuseOpenServer({ url })).rejects.toMatchObject({ fault: { code: 'bus.unreachable' } });
  });
});

/** A process that starts the server as a daemon does, so that it can be killed as a daemon can. */
async function daemonWithServer(where: { runDir: string; stateDir: string }): Promise<ChildProcess> {
  const child = fork(new URL('./daemon-with-server.mjs', import.meta.url), [
    JSON.stringify({ node, port: 0, ...where }),
  ]);
  onTestFinished(() => void child.kill('SIGKILL'));
  await new Promise((resolve) => child.once('message', resolve));
  return child;
}
