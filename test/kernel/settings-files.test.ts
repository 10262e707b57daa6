import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDirectories } from '../../src/files/make-directories.ts';
import { SettingsFiles } from '../../src/kernel/links/settings-files.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

describe('the directory of settings', () => {
  it('the directory of settings files is made with those above it, and a trial leaves nothing in it', () => {
    const path = `${directory.path}/a/b`;
    SettingsFiles.tryDirectory(path);
    expect(readdirSync(path)).toEqual([]);
    SettingsFiles.tryDirectory(path);
    expect(readdirSync(path)).toEqual([]);
  });

  it.each([
    ['below /proc', () => '/proc/nope', 'ENOENT'],
    ['deeper below /proc', () => '/proc/nope/a', 'ENOENT'],
    ['that is there and takes no files', () => '/proc/self', 'ENOENT'],
    ['that is a file', () => file(), 'EEXIST'],
    ['below a file', () => `${file()}/a`, 'EEXIST'],
  ])('the directory of settings files is refused at once where it is one %s', (_, path, code) => {
    expect(() => SettingsFiles.tryDirectory(path())).toThrow(expect.objectContaining({ code }));
  });
});

it('is made with the given mode when missing, and again without harm', () => {
  for (let turn = 0; turn < 2; turn++) makeDirectories(`${directory.path}/x/y`, 0o700);
  for (const path of ['x', 'x/y']) expect(statSync(`${directory.path}/${path}`).mode & 0o777).toBe(0o700);
});

describe('the file of a bridge', () => {
  it('the file of a bridge may be removed when it is gone, with its directory or what was above it', () => {
    const path = `${directory.path}/a/sysctl.d`;
    const files = new SettingsFiles(path);
    expect(files.write('netloom0', 'x')).toBe(true);
    expect(files.write('netloom0', 'x')).toBe(false);
    rmSync(path, { recursive: true });
    files.remove('netloom0');
    writeFileSync(path, '');
    files.remove('netloom0');
  });

  it('the file of a bridge is not missed where no files can be written', () => {
    const path = `${directory.path}/sysctl.d`;
    for (const place of ['/proc/self/nope', `${path}/a`]) {
      writeFileSync(path, '');
      const files = new SettingsFiles(place);
      expect(files.write('netloom0', 'x')).toBe(false);
      files.remove('netloom0');
    }
  });

  it('the file of a bridge is restored with its directory', () => {
    const path = `${directory.path}/a/sysctl.d`;
    const files = new SettingsFiles(path);
    files.write('netloom0', 'x');
    rmSync(`${directory.path}/a`, { recursive: true });
    expect(files.write('netloom0', 'x')).toBe(true);
    files.remove('netloom0');
    expect(readdirSync(path)).toEqual([]);
  });
});

function file(): string {
  const path = `${directory.path}/file`;
  writeFileSync(path, '');
  return path;
}
