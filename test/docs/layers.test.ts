import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * The rooms that a room may import from, beside itself. `src` is its top: the composition of the daemon, and the client. `native` is the
 * addon (`#native`).
 */
const mayImport: Record<string, readonly string[]> = {
  'src/core': [],
  'src/contract': ['src/core'],
  'src/threads': ['src/core'],
  'src/files': ['src/core'],
  machines: ['src/core', 'src/contract'],
  'src/networks': ['src/core', 'src/files'],
  'src/resolver': ['src/core', 'src/threads', 'native'],
  'src/kernel': ['src/core', 'src/threads', 'src/files', 'native'],
  'src/actors': ['src/core', 'src/contract', 'src/threads', 'src/files', 'machines', 'src/kernel'],
  'src/bus': ['src/core', 'src/contract', 'src/threads', 'src/files'],
  'src/engine': [
    ...['src/core', 'src/contract', 'src/threads', 'src/files', 'machines', 'src/networks', 'src/resolver'],
    ...['src/kernel', 'src/actors', 'src/bus'],
  ],
  // `netloom doctor` tries the addon itself
  'src/cli': ['src/core', 'src/contract', 'src/files', 'src/kernel', 'src/bus', 'src', 'native'],
};

const root = new URL('../../', import.meta.url).pathname;
const files = ['machines', 'src'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`),
);

/** `src/core/plan/host.ts` → `src/core`; `src/daemon.ts` → `src` */
function roomOf(file: string): string {
  const [top = '', room = '', ...rest] = file.split('/');
  return top === 'src' && rest.length > 0 ? `${top}/${room}` : top;
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const specifiers = [...text.matchAll(/(?:\bfrom |\bimport\(|new URL\(|\bresolve\()'((?:\.{1,2}\/|#native)[^']*)'/g)];
  return specifiers.map(([, specifier = '']) =>
    specifier.startsWith('#') ? specifier.slice(1) : normalize(join(dirname(file), specifier)).replace(/^dist\//, ''),
  );
}

describe('the layers', () => {
  it('every room of src/ is in the list', () => {
    expect([...new Set(files.map(roomOf))].sort()).toEqual(['src', ...Object.keys(mayImport)].sort());
  });

  it('the top of src/ holds the daemon, the client and the library', () => {
    expect(files.filter((file) => roomOf(file) === 'src').sort()).toEqual([
      'src/client.ts',
      'src/daemon.ts',
      'src/index.ts',
    ]);
  });

  it.each(Object.entries(mayImport))('%s imports only from the rooms below it', (room, below) => {
    const upward = files
      .filter((file) => roomOf(file) === room)
      .flatMap((file) => importsOf(file).map((imported) => ({ file, imported })))
      .filter(({ imported }) => roomOf(imported) !== room && !below.includes(roomOf(imported)));
    expect(upward).toEqual([]);
  });

  it('no two rooms import from each other, directly or indirectly', () => {
    const reaches = (from: string, to: string): boolean =>
      (mayImport[from] ?? []).some((below) => below === to || (below !== from && reaches(below, to)));
    expect(Object.keys(mayImport).filter((room) => reaches(room, room))).toEqual([]);
  });
});
