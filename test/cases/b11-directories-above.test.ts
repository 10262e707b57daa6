import { chmodSync, chownSync, existsSync, lchownSync, mkdirSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writable } from '../../src/cli/doctor/machine.ts';
import { handAbove, makeOwnDirectory } from '../../src/files/ownership.ts';
import { takeRunDirectory } from '../../src/kernel/run-lock.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';

/** Another user with write access above the run directory can replace it. */

const stranger = 65_534;

let directory: ReturnType<typeof temporaryDirectory>;
const at = (name: string) => `${directory.path}/${name}`;
beforeEach(() => {
  directory = temporaryDirectory();
  chmodSync(directory.path, 0o755);
});
afterEach(() => directory.remove());

const made = (path: string, mode: number, uid = 0) => {
  mkdirSync(path, { recursive: true });
  chmodSync(path, mode);
  chownSync(path, uid, uid);
};

const link = (target: string, path: string, uid = 0) => {
  symlinkSync(target, path);
  lchownSync(path, uid, uid);
};

const unsafe: [string, () => void, string, RegExp][] = [
  ['a directory of another user', () => made(at('a'), 0o755, stranger), 'a/x', /a belongs to user 65534$/],
  ['one that all may write to', () => made(at('a'), 0o777), 'a/x', /^others may write to \S+\/a$/],
  ['one that its group may write to', () => made(at('a'), 0o775), 'a/x', /^others may write to \S+\/a$/],
  [
    'one of another user, two above',
    () => [made(at('a'), 0o755, stranger), made(at('a/b'), 0o755)],
    'a/b/x',
    /a belongs to user 65534$/,
  ],
  [
    'one of another user in one like /tmp',
    () => [made(at('a'), 0o1777), made(at('a/b'), 0o755, stranger)],
    'a/b/x',
    /a\/b belongs to user 65534$/,
  ],
  [
    'a link of another user',
    () => [made(at('a'), 0o1777), made(at('b'), 0o755), link(at('b'), at('a/l'), stranger)],
    'a/l/x',
    /a\/l belongs to user 65534$/,
  ],
  [
    'a link in a directory that all may write to',
    () => [made(at('a'), 0o777), made(at('b'), 0o755), link(at('b'), at('a/l'))],
    'a/l/x',
    /others may write to \S+\/a$/,
  ],
  [
    "a link that leads through another user's",
    () => [made(at('a'), 0o755, stranger), made(at('a/b'), 0o755), link('a/b', at('l'))],
    'l/x',
    /a belongs to user 65534$/,
  ],
  [
    'the way back from a directory that all may write to',
    () => [made(at('a'), 0o777), made(at('a/b'), 0o755)],
    'a/b/../x',
    /others may write to \S+\/a$/,
  ],
];

it.each(unsafe)('B11 a run directory below %s is refused before it is made', (_, make, path, why) => {
  make();
  expect(handAbove(at(path))).toMatch(why);
  const refusal = expect.objectContaining({
    code: 'directory.unsafe',
    message: `${handAbove(at(path))}, so others can replace ${at(path)}: choose another directory`,
  });
  expect(() => makeOwnDirectory(at(path))).toThrow(refusal);
  expect(existsSync(at(path))).toBe(false);
  expect(writable('Run directory', at(path))).toMatchObject({ ok: false, found: handAbove(at(path)) });
  // an existing one is no better
  made(at(path), 0o700);
  expect(() => takeRunDirectory(at(path))).toThrow(refusal);
  expect(existsSync(`${at(path)}/daemon.pid`)).toBe(false);
  expect(writable('Run directory', at(path))).toMatchObject({ ok: false, found: handAbove(at(path)) });
});

it.each<[string, () => void, string]>([
  ["root's", () => made(at('a'), 0o755), 'a/x'],
  ['one like /tmp', () => made(at('a'), 0o1777), 'a/x'],
  ["root's in one like /tmp", () => [made(at('a'), 0o1777), made(at('a/b'), 0o755)], 'a/b/x'],
  ['a link of root', () => [made(at('a'), 0o755), link('a', at('l'))], 'l/x'],
  ['directories that are still to be made', () => {}, 'a/b/c'],
])('B11 a run directory below %s is accepted', (_, make, path) => {
  make();
  makeOwnDirectory(at(path));
  takeRunDirectory(at(path)).release();
});

it('B11 a relative path is checked from the working directory of the process', () => {
  made(at('a'), 0o777);
  const before = process.cwd();
  process.chdir(at('a'));
  try {
    expect(handAbove('x')).toBe(`others may write to ${at('a')}`);
  } finally {
    process.chdir(before);
  }
  expect(handAbove(dirname(directory.path))).toBeNull();
});

it('B11 a cycle of links ends with a refusal', () => {
  link('m', at('l'));
  link('l', at('m'));
  expect(handAbove(at('l/x'))).toBeNull();
});

it.each(['run', 'state'])(
  'B11 a daemon does not start on a %s directory below a directory that others may write to',
  async (which) => {
    made(at('open'), 0o777);
    const places = { run: at('run'), state: at('state'), [which]: at(`open/${which}`) };
    const main = createRequire(import.meta.url).resolve('#cli');
    const flags = ['--run-dir', places.run, '--state-dir', places.state, '--nats-port', '0', '--node', 'here'];
    const { exitCode, stderr } = await execa(process.execPath, [main, 'daemon', ...flags], { reject: false });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: `netloom: directory.unsafe: others may write to ${at('open')}, so others can replace ${at(`open/${which}`)}: choose another directory`,
    });
    expect(existsSync(at(`open/${which}`))).toBe(false);
    expect(existsSync(`${places.run}/daemon.pid`)).toBe(false);
  },
);
