import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { execa } from 'execa';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeStartDirectories } from '../../src/files/start-directories.ts';
import { takeRunDirectory } from '../../src/kernel/run-lock.ts';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';

/** A directory that cannot be made is invalid input, and one sentence names it. */

let directory: ReturnType<typeof temporaryDirectory>;
const at = (name: string) => `${directory.path}/${name}`;
beforeEach(() => {
  directory = temporaryDirectory();
  for (const name of ['run', 'state']) mkdirSync(at(name), { mode: 0o700 });
});
afterEach(() => directory.remove());

const places = (bad: Partial<Parameters<typeof makeStartDirectories>[0]> = {}) => ({
  runDirectory: at('run'),
  stateDirectory: at('state'),
  netnsDirectory: at('run/netns'),
  networksDirectory: at('state/networks'),
  hasOwnServer: true,
  ...bad,
});

const refused = (message: string) => expect.objectContaining({ code: 'payload.invalid', message });
const cannot = (path: string, why: string) =>
  refused(`the directory ${path} cannot be made or written: ${why}; choose another directory`);
const notFound = 'no such file or directory';

const parts = [
  ...['run/journal', 'run/teardowns', 'run/credentials', 'run/nats', 'run/netns'],
  ...['state/jetstream', 'state/networks'],
];

describe('a directory that a start needs', () => {
  it('B11 a start makes its directories and accepts existing ones', () => {
    for (let turn = 0; turn < 2; turn++) makeStartDirectories(places());
    expect(parts.filter((part) => !existsSync(at(part)))).toEqual([]);
  });

  it('B11 a start without an own server makes no directories for one', () => {
    makeStartDirectories(places({ hasOwnServer: false }));
    expect(parts.filter((part) => !existsSync(at(part)))).toEqual(['run/credentials', 'run/nats', 'state/jetstream']);
  });

  it.each(parts)('B11 a start is refused when %s is a dangling link', (part) => {
    symlinkSync(at('nowhere/x'), at(part));
    const words = `${at(part)} is a link that leads nowhere: remove it, or choose another directory`;
    expect(() => makeStartDirectories(places())).toThrow(refused(words));
  });

  it.each(parts)('B11 a start is refused when %s is a link to a file', (part) => {
    const words = `${at(part)} is not a directory: remove it, or choose another directory`;
    writeFileSync(at('file'), '');
    symlinkSync(at('file'), at(part));
    expect(() => makeStartDirectories(places())).toThrow(refused(words));
  });

  it.each(['stateDirectory', 'netnsDirectory', 'networksDirectory'])(
    'B11 a start is refused when %s cannot be made',
    (name) => {
      const bad = '/proc/netloom';
      expect(() => makeStartDirectories(places({ [name]: bad }))).toThrow(cannot(bad, notFound));
      expect(() => makeStartDirectories(places({ [name]: `${bad}/a` }))).toThrow(
        cannot(`${bad}/a`, `${bad}: ${notFound}`),
      );
      const long = at('x'.repeat(300));
      expect(() => makeStartDirectories(places({ [name]: long }))).toThrow(cannot(long, 'the name is too long'));
    },
  );

  it('B11 a start is refused when the run directory cannot be made', () => {
    expect(() => takeRunDirectory('/proc/netloom')).toThrow(cannot('/proc/netloom', notFound));
    symlinkSync('round', at('round'));
    expect(() => takeRunDirectory(at('round'))).toThrow(
      refused(`${at('round')} is a link that leads nowhere: remove it, or choose another directory`),
    );
  });
});

describe('a daemon', () => {
  beforeAll(becomeFreshHost);

  const refusal = async (flags: string[]) => {
    const main = createRequire(import.meta.url).resolve('#cli');
    const usual = ['--run-dir', at('run'), '--state-dir', at('state'), '--nats-port', '0', '--node', 'here'];
    const { exitCode, stderr } = await execa(process.execPath, [main, 'daemon', ...usual, ...flags], { reject: false });
    expect(existsSync(at('run/daemon.pid'))).toBe(false);
    return { exitCode, stderr };
  };

  it.each(['--run-dir', '--state-dir', '--netns-dir', '--networks-dir'])(
    'B11 a daemon ends with exit code 2 when %s cannot be made',
    async (option) => {
      expect(await refusal([option, '/proc/netloom'])).toEqual({
        exitCode: 2,
        stderr: `netloom: payload.invalid: the directory /proc/netloom cannot be made or written: ${notFound}; choose another directory`,
      });
    },
  );

  it.each(parts)('B11 a daemon ends with exit code 2 when %s is a dangling link', async (part) => {
    symlinkSync(at('nowhere/x'), at(part));
    expect(await refusal([])).toEqual({
      exitCode: 2,
      stderr: `netloom: payload.invalid: ${at(part)} is a link that leads nowhere: remove it, or choose another directory`,
    });
  });
});
