import { execa } from 'execa';
import { describe, expect, it } from 'vitest';

const main = new URL('../../dist/src/cli/main.js', import.meta.url).pathname;

/** Prints every loaded module on stderr. */
const loader =
  'export async function load(url, context, next) { process._rawDebug("loaded " + url); return next(url, context); }';
const register = `import { register } from 'node:module'; register('data:text/javascript,${encodeURIComponent(loader)}');`;

async function loadedFor(...args: string[]): Promise<string[]> {
  const preload = `data:text/javascript,${encodeURIComponent(register)}`;
  const { stderr, exitCode } = await execa(process.execPath, ['--import', preload, main, ...args], { reject: false });
  expect(exitCode).toBe(0);
  return [...stderr.matchAll(/^loaded (.*)$/gm)].map((match) => match[1] as string);
}

const heavy = /node_modules\/(zod|lmdb|pino|xstate|execa|@nats-io)\//;

// half of the time of a command was once spent on loading what it did not need
describe('P21 help is printed at once', () => {
  it.each([
    ['--help'],
    ['ps --help'],
    ['network --help'],
    ['network create --help'],
    ['run --help'],
    ['container setup --help'],
    ['events --help'],
    ['--version'],
  ])('P21 netloom %s loads neither zod nor NATS', async (line) =>
    expect((await loadedFor(...line.split(' '))).filter((url) => heavy.test(url))).toEqual([]),
  );

  it('P21 netloom --help loads no command', async () =>
    expect((await loadedFor('--help')).filter((url) => url.includes('/cli/commands/'))).toEqual([]));

  it('P21 netloom ps --help loads only that command', async () =>
    expect((await loadedFor('ps', '--help')).filter((url) => url.includes('/cli/commands/'))).toHaveLength(1));
});
