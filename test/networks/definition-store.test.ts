import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
