import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { DefinitionStore } from '../../src/networks/definition-store.ts';
import { definitionOf } from '../core/samples.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';

let directory: { path: string; remove(): void };
let store: DefinitionStore;

beforeEach(() => {
  directory = temporaryDirectory();
  store = new DefinitionStore(`${directory.path}/networks`);
});
afterEach(() => directory.remove());

const read = (file: string) => readFileSync(`${directory.path}/networks/${file}`, 'utf8');

describe('the store of network definitions', () => {
  it('the store is empty without a directory', () => {
    expect(store.list()).toEqual({ definitions: [], damaged: [] });
    store.remove('nobody');
  });

  it('the store keeps one file for each network, and leaves nothing else in the directory', () => {
    const definition = definitionOf();
    store.write(definition);
    store.write({ ...definition, internal: true }, definition);
    expect(store.list().definitions).toEqual([{ ...definition, internal: true }]);
    expect(readdirSync(`${directory.path}/networks`)).toEqual(['demo.json']);
    store.remove('demo');
    expect(store.list().definitions).toEqual([]);
  });

  it('the store reports damaged files by name and never overwrites them', () => {
    store.write(definitionOf());
    for (const damage of ['{"name": "demo", ', '{"name": "other"}', '']) {
      writeFileSync(`${directory.path}/networks/demo.json`, damage);
      expect(store.list()).toEqual({ definitions: [], damaged: [{ file: 'demo.json', reason: expect.any(String) }] });
      expect(() => store.write(definitionOf())).toThrow(expect.objectContaining({ errno: 'EUCLEAN' }));
      expect(read('demo.json')).toBe(damage);
    }
  });

  it.each([
    ['an empty file', '', 'the file is empty'],
    ['white space', ' \n', 'the file is empty'],
    ['a byte order mark', `\ufeff${JSON.stringify(definitionOf())}`, /^the file begins with a byte order mark/],
    ['half a file', '{"name": "demo", ', 'the file is not valid JSON: it ends too early'],
    ['a list', '[]', 'the file must be an object in braces'],
    ['more than a file has', ' '.repeat(2 * 1024 * 1024), /^the file is larger than/],
  ])('N14 the store reports a network file that is %s', (_, text, reason) => {
    store.write(definitionOf());
    writeFileSync(`${directory.path}/networks/demo.json`, text);
    expect(store.list().damaged).toEqual([{ file: 'demo.json', reason: expect.stringMatching(reason) }]);
  });

  it('N14 the store reports entries that are not regular files, and does not wait for them', () => {
    store.write(definitionOf());
    mkdirSync(`${directory.path}/networks/place.json`);
    execFileSync('mkfifo', [`${directory.path}/networks/pipe.json`]);
    symlinkSync('/dev/zero', `${directory.path}/networks/zeroes.json`);
    symlinkSync('nowhere', `${directory.path}/networks/dangling.json`);
    expect(store.list().damaged).toEqual(
      ['pipe', 'place', 'zeroes'].map((name) => ({ file: `${name}.json`, reason: 'the file is not a regular file' })),
    );
    expect(store.list().definitions).toHaveLength(1);
  });

  it('the store reads only files that end in .json: files of CNI beside them are left alone', () => {
    store.write(definitionOf());
    writeFileSync(`${directory.path}/networks/87-podman.conflist`, '{}');
    expect(store.list()).toEqual({ definitions: [definitionOf()], damaged: [] });
  });

  it('the store keeps fields of a newer podman beside its own', () => {
    store.write(definitionOf());
    writeFileSync(
      `${directory.path}/networks/demo.json`,
      JSON.stringify({ ...JSON.parse(read('demo.json')), newer: [1] }),
    );
    store.write({ ...definitionOf(), internal: true }, definitionOf());
    expect(JSON.parse(read('demo.json'))).toMatchObject({ internal: true, newer: [1] });
  });

  it('the store reports changes by other programs', async () => {
    let changes = 0;
    const end = store.watch(() => changes++);
    store.write(definitionOf());
    await expect.poll(() => changes).toBe(1);
    store.remove('demo');
    await expect.poll(() => changes).toBe(2);
    end();
  });

  const networks = () => `${directory.path}/networks`;

  it.each<[string, () => void]>([
    [
      'removed and made again by a write',
      () => {
        rmSync(networks(), { recursive: true });
        store.write(definitionOf({ name: 'back' }));
      },
    ],
    [
      'moved away and back',
      () => {
        renameSync(networks(), `${directory.path}/elsewhere`);
        renameSync(`${directory.path}/elsewhere`, networks());
      },
    ],
    [
      'replaced by another one',
      () => {
        mkdirSync(`${directory.path}/new`);
        renameSync(networks(), `${directory.path}/elsewhere`);
        renameSync(`${directory.path}/new`, networks());
      },
    ],
    [
      'replaced by a link, which leads elsewhere later',
      () => {
        for (const name of ['one', 'two']) mkdirSync(`${directory.path}/${name}`);
        rmSync(networks(), { recursive: true });
        symlinkSync('one', networks());
        symlinkSync('two', `${directory.path}/link`);
        renameSync(`${directory.path}/link`, networks());
      },
    ],
  ])('the store reports changes in a directory that was %s', async (_, replace) => {
    store.write(definitionOf());
    const seen: string[][] = [];
    const end = store.watch(() => seen.push(store.list().definitions.map(({ name }) => name)));
    onTestFinished(end);
    replace();
    const kept = store.list().definitions.map(({ name }) => name);
    await expect.poll(() => seen.at(-1)).toEqual(kept);
    store.write(definitionOf({ name: 'later' }));
    await expect.poll(() => seen.at(-1)).toEqual([...kept, 'later']);
    store.remove('later');
    await expect.poll(() => seen.at(-1)).toEqual(kept);
  });

  it('the store reports a directory that comes back after it was removed with the one above it', async () => {
    store = new DefinitionStore(`${directory.path}/state/of/networks`);
    store.write(definitionOf());
    const seen: string[][] = [];
    const end = store.watch(() => seen.push(store.list().definitions.map(({ name }) => name)));
    onTestFinished(end);
    rmSync(`${directory.path}/state`, { recursive: true });
    await expect.poll(() => seen.at(-1)).toEqual([]);
    store.write(definitionOf());
    await expect.poll(() => seen.at(-1)).toEqual(['demo']);
    store.write(definitionOf({ name: 'later' }));
    await expect.poll(() => seen.at(-1)).toEqual(['demo', 'later']);
  });

  it('the store leaves no part of a definition that a full disk has no room for', () => {
    mkdirSync(networks());
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'none', networks()]);
    try {
      const labels = { long: 'x'.repeat(8_192) };
      expect(() => store.write(definitionOf({ labels }))).toThrow(expect.objectContaining({ errno: 'ENOSPC' }));
      expect(readdirSync(networks())).toEqual([]);
    } finally {
      execFileSync('umount', [networks()]);
    }
  });

  it('the store reports why a file cannot be removed by its errno', () => {
    mkdirSync(`${networks()}/demo.json`, { recursive: true });
    expect(() => store.remove('demo')).toThrow(
      expect.objectContaining({ op: 'remove demo.json', errno: 'EISDIR', detail: expect.stringContaining('unlink') }),
    );
    rmSync(networks(), { recursive: true });
    writeFileSync(networks(), '');
    store.remove('demo');
  });

  it('the store reports a file that the file system protects as not removable (EPERM)', (context) => {
    store.write(definitionOf());
    const protect = (mode: string) => execFileSync('chattr', [mode, `${networks()}/demo.json`], { stdio: 'ignore' });
    try {
      protect('+i');
    } catch {
      context.skip('this file system has no immutable files');
    }
    try {
      expect(() => store.remove('demo')).toThrow(expect.objectContaining({ errno: 'EPERM' }));
    } finally {
      protect('-i');
    }
  });
});

describe('podman with the same directory', () => {
  const podman = (...args: string[]) =>
    execa('podman', ['--network-config-dir', `${directory.path}/networks`, 'network', ...args]);

  it('podman accepts definitions of netloom as its own', async () => {
    const definition = definitionOf({
      subnets: [
        { subnet: '10.61.0.0/24', lease_range: { start_ip: '10.61.0.9', end_ip: '10.61.0.99' } },
        { subnet: 'fd61::/64' },
      ],
      labels: { of: 'netloom' },
      options: { mtu: '1400', isolate: 'true' },
    });
    store.write(definition);
    const { stdout } = await podman('inspect', 'demo');
    const { routes: _, network_dns_servers: __, ...known } = definition;
    expect(JSON.parse(stdout)).toEqual([known]);
  });

  it('podman makes networks that netloom reads in the same way', async () => {
    await podman('create', '--subnet', '10.62.0.0/24', '--label', 'of=podman', '-o', 'mtu=1300', 'theirs');
    await podman('create', '--internal', '--disable-dns', 'hidden');
    await podman('create', '-d', 'macvlan', '-o', 'parent=lo', '--subnet', '10.63.0.0/24', 'upon');
    const { definitions, damaged } = store.list();
    expect(damaged).toEqual([]);
    const { stdout } = await podman('inspect', 'theirs', 'hidden', 'upon');
    for (const made of JSON.parse(stdout)) {
      const found = definitions.find(({ name }) => name === made.name);
      expect(found).toMatchObject({
        ...made,
        subnets: made.subnets.map((subnet: object) => expect.objectContaining(subnet)),
      });
    }
  });
});
