import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { inventory, nothing } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';

// The commands of the README for a host without netloom, pasted in order.

const root = new URL('../../', import.meta.url);
const readme = readFileSync(new URL('README.md', root), 'utf8');
const section = readme.split('\n## Removing it\n')[1] ?? '';
const [withDaemon = '', afterIt = ''] = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(
  ([, text]) => text as string,
);
const tables = () => execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }).trim().split('\n').filter(Boolean);
const forwards = () => native.getSysctl(null, 'net.ipv4.ip_forward');

let lab: Lab;
let prefix: string;
beforeAll(async () => {
  lab = await Lab.open();
  prefix = `${lab.directory.path}/prefix`;
  linkGlobally();
});
afterAll(() => lab.close());

/** As npm link does. */
function linkGlobally(): void {
  mkdirSync(`${prefix}/lib/node_modules`, { recursive: true });
  mkdirSync(`${prefix}/bin`);
  symlinkSync(fileURLToPath(root), `${prefix}/lib/node_modules/netloom`);
  symlinkSync('../lib/node_modules/netloom/dist/src/cli/main.js', `${prefix}/bin/netloom`);
}

/** Runs in the directories of this test; ends at the first command that fails. */
function paste(text: string): void {
  const { daemon, directory } = lab;
  const env = {
    PATH: `${prefix}/bin:${dirname(process.execPath)}:${process.env.PATH}`,
    NETLOOM_RUN_DIR: daemon.runDirectory,
    npm_config_prefix: prefix,
    npm_config_offline: 'true',
  };
  const own = text
    .replaceAll('/var/lib/netloom', `${directory.path}/state`)
    .replaceAll('/run/netloom', daemon.runDirectory);
  execFileSync('sh', ['-ec', own], { env, cwd: directory.path });
}

it('P05 remains of netloom outlive networks and daemon, and the commands of the README remove them', async () => {
  await lab.client.network.create({ name: 'web', ipv6_enabled: true });
  await lab.client.container.setup({ id: 'a', networks: [{ network: 'web' }] });
  await lab.client.container.setup({ id: 'b', mode: 'bridge' });
  await lab.client.container.create({ id: 'c', networks: [{ network: 'web' }] });
  paste(withDaemon);
  await lab.settled();
  expect(await lab.client.container.list()).toMatchObject({ containers: [] });
  expect(await lab.client.network.list()).toMatchObject({ networks: [] });
  expect(inventory(lab.daemon)).toEqual({ ...nothing, processes: inventory(lab.daemon).processes });
  // again, with nothing there
  paste(withDaemon);

  const { runDirectory } = lab.daemon;
  await lab.restart('stop', () => {
    expect(tables().sort()).toEqual(['table bridge netloom', 'table inet netloom']);
    expect(forwards()).toBe('1');
    expect(existsSync(`${lab.directory.path}/state`)).toBe(true);
    expect(existsSync(runDirectory)).toBe(true);
    paste(afterIt);
    expect(tables()).toEqual([]);
    expect(forwards()).toBe('0');
    expect(existsSync(`${lab.directory.path}/state`)).toBe(false);
    expect(existsSync(runDirectory)).toBe(false);
    expect(lstatSync(`${prefix}/bin/netloom`, { throwIfNoEntry: false })).toBeUndefined();
    expect(existsSync(root)).toBe(true);
  });
});
