import { existsSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environmentFlag } from '../../src/cli/options.ts';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';

const main = new URL('../../dist/src/cli/main.js', import.meta.url).pathname;

let directory: ReturnType<typeof temporaryDirectory>;
beforeAll(async () => {
  await becomeFreshHost();
  directory = temporaryDirectory();
});
afterAll(() => directory.remove());

/** Starts a daemon that must end with a refusal. */
async function refused(args: string[], env: Record<string, string> = {}) {
  const places = ['--run-dir', `${directory.path}/run`, '--state-dir', `${directory.path}/state`];
  const line = [main, 'daemon', ...places, '--nats-port', '0', ...args];
  const { exitCode, stderr } = await execa(process.execPath, line, { reject: false, timeout: 20_000, env });
  expect(existsSync(`${directory.path}/run`)).toBe(false);
  return { exitCode, stderr };
}

describe('wrong options of the daemon', () => {
  it.each([
    [
      'a directory of settings below /proc',
      () => '/proc/nope',
      'settings of bridges cannot be written there: /proc/nope: no such file or directory',
    ],
    ['a file instead of a directory of settings', () => `${directory.path}/file`, 'is not a directory'],
  ])('the daemon refuses %s before it begins anything', async (_, path, reason) => {
    writeFileSync(`${directory.path}/file`, '');
    const { exitCode, stderr } = await refused(['--sysctl-dir', path()]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`--sysctl-dir ${path()}: `);
    expect(stderr).toContain(reason);
    expect(stderr.split('\n')).toHaveLength(1);
  });

  it.each(['NETLOOM_FORWARD_FOREIGN', 'NETLOOM_DEBUG'])(
    'the daemon refuses %s=perhaps before it begins anything',
    async (name) => {
      const { exitCode, stderr } = await refused([], { [name]: 'perhaps' });
      expect(exitCode).toBe(2);
      expect(stderr).toBe(`netloom: payload.invalid: ${name}=perhaps: ${name} is 1, 0, true or false`);
    },
  );
});

it.each([
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
  ['', false],
  [undefined, false],
])('an environment variable that is %s is read as %s', (text, flag) => {
  expect(environmentFlag('NETLOOM_X', { NETLOOM_X: text })).toBe(flag);
});
