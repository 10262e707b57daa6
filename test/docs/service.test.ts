import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';

// The systemd unit of docs/service.md, written as pasted; its lines are executed as systemd does, with its own few variables.

const root = new URL('../../', import.meta.url);
const page = readFileSync(new URL('docs/service.md', root), 'utf8');
const [, pasted = ''] = /^(cat > .*?^EOF\n)/ms.exec(page) ?? [];

let directory: ReturnType<typeof temporaryDirectory>;
let unit: string;
let daemon: ChildProcess | undefined;
beforeAll(async () => {
  await becomeFreshHost();
  directory = temporaryDirectory();
  const { path } = directory;
  mkdirSync(`${path}/bin`);
  symlinkSync(fileURLToPath(new URL('dist/src/cli/main.js', root)), `${path}/bin/netloom`);
  const env = { PATH: `${path}/bin:${dirname(process.execPath)}:${process.env.PATH}` };
  execFileSync('sh', ['-ec', pasted.replace('/etc/systemd/system', path)], { env });
  unit = readFileSync(`${path}/netloom.service`, 'utf8');
});
afterAll(() => {
  daemon?.kill('SIGKILL');
  directory.remove();
});

const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';

function execute(line: string): ChildProcess {
  const { path } = directory;
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin',
    NETLOOM_RUN_DIR: `${path}/run`,
    NETLOOM_STATE_DIR: `${path}/state`,
  };
  return spawn('sh', ['-c', `exec ${line}`], { env, stdio: 'ignore' });
}

it('P05 the systemd unit starts the daemon, is ready when it answers, and ends it', async () => {
  daemon = execute(setting('ExecStart'));
  const ended = once(daemon, 'exit');
  expect(await once(execute(setting('ExecStartPost')), 'exit')).toEqual([0, null]);
  daemon.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});
