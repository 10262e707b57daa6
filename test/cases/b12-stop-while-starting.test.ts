import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { execa, type ResultPromise } from 'execa';
import { afterEach, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { endWithTest, processesOf, untilAnswered } from '../support/daemon.ts';
import { fakeServer, standStill } from '../support/fake-server.ts';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';

/** A daemon that hangs while starting ends like any other: in time, in order, with everything that it began. */

const main = createRequire(import.meta.url).resolve('#cli');
let directory: ReturnType<typeof temporaryDirectory>;

beforeAll(becomeFreshHost);
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

const launch = (flags: string[], path = ''): ResultPromise => {
  const places = ['--run-dir', `${directory.path}/run`, '--state-dir', `${directory.path}/state`, '--node', 'here'];
  const env = { PATH: `${path}:${process.env.PATH}` };
  const daemon = execa(process.execPath, [main, 'daemon', ...places, ...flags], { reject: false, env });
  endWithTest(daemon);
  return daemon;
};

async function endsInTime(daemon: ResultPromise, signal: 'SIGTERM' | 'SIGINT'): Promise<void> {
  const begun = performance.now();
  daemon.kill(signal);
  const { exitCode, stderr } = await daemon;
  expect(performance.now() - begun).toBeLessThan(5_000);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringContaining('stopped before it served') });
  expect(processesOf({ directory: directory.path })).toEqual([]);
  expect(existsSync(`${directory.path}/run/daemon.pid`)).toBe(false);
}

it.each(['SIGTERM', 'SIGINT'] as const)('B12 %s ends a daemon whose own nats-server never answers', async (signal) => {
  const daemon = launch(['--nats-port', '0'], fakeServer(directory.path, standStill));
  const isThere = () => processesOf({ directory: directory.path }).some((line) => line.includes('bin/nats-server'));
  await untilAnswered(async () => expect(isThere()).toBe(true));
  await endsInTime(daemon, signal);
});

it.each([
  ['that never answers', ['--allow-open-server']],
  ['that never answers whether it is open', []],
])('B12 SIGTERM ends a daemon with an outside NATS server %s', async (_, flags) => {
  const silent = createServer();
  const reached = new Promise((resolve) => silent.once('connection', resolve));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void silent.close());
  const { port } = silent.address() as { port: number };
  const daemon = launch(['--nats-url', `nats://daemon:secret@127.0.0.1:${port}`, ...flags]);
  await reached;
  await endsInTime(daemon, 'SIGTERM');
});

/** Serves as nats-server does, on the given port and under the given name, after making the credentials unwritable. */
function withoutCredentials(atTerm: string): string {
  const program = `${directory.path}/server.mjs`;
  writeFileSync(
    program,
    `import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
const { server_name, port } = JSON.parse(readFileSync(process.argv.at(-1), 'utf8'));
process.on('SIGTERM', () => { ${atTerm} process.exit(0); });
rmSync('${directory.path}/run/credentials', { recursive: true, force: true });
writeFileSync('${directory.path}/run/credentials', '');
const greet = (socket) => socket.end('INFO ' + JSON.stringify({ server_name }) + '\\r\\n').on('error', () => {});
createServer(greet).listen(port, '127.0.0.1');
`,
  );
  return fakeServer(directory.path, `exec "${process.execPath}" "${program}" "$@"`);
}

it('B12 a daemon that cannot write its credentials ends together with its nats-server', async () => {
  const daemon = launch(['--nats-port', '0'], withoutCredentials(''));
  const { exitCode, stderr } = await daemon;
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringMatching(/run\/credentials: already exists/),
  });
  expect(processesOf({ directory: directory.path })).toEqual([]);
  expect(existsSync(`${directory.path}/run/daemon.pid`)).toBe(false);
});

it('B12 a daemon stopped while its start fails reports only the failure', async () => {
  const daemon = launch(['--nats-port', '0'], withoutCredentials("process.kill(process.ppid, 'SIGTERM');"));
  const { exitCode, stderr } = await daemon;
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringMatching(/run\/credentials: already exists/),
  });
  expect(stderr).not.toContain('stopped before it served');
});
