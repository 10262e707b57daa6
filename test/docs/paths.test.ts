import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
const tops = ['bench', 'docs', 'examples', 'machines', 'native', 'scripts', 'src', 'test'];
const rooms = readdirSync(join(root, 'src'), { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);
const everything = tops.flatMap((top) => [
  top,
  ...readdirSync(join(root, top), { recursive: true, encoding: 'utf8' }).map((path) => `${top}/${path}`),
]);
const pages = ['README.md', ...everything.filter((path) => /^docs\/.*\.md$/.test(path))];

/**
 * The paths that a page has in backticks, relative to the root. The page on architecture leaves out `src/` before a room, as in
 * `core/fault.ts`.
 */
function pathsIn(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const quoted = [...text.matchAll(/`([\w.-]+\/[^`\s]*)`/g)].map(([, path = '']) => path.replace(/\/$/, ''));
  return quoted.flatMap((path) => {
    const [top = ''] = path.split('/');
    if (tops.includes(top)) return [path];
    return rooms.includes(top) && path.endsWith('.ts') ? [`src/${path}`] : [];
  });
}

const escaped = (text: string) => text.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');

/** `<noun>` and `*` stand for any name. */
function isThere(path: string): boolean {
  const [first = '', ...others] = path.split(/<[\w ]+>|\*/);
  if (others.length === 0) return everything.includes(path);
  const pattern = new RegExp(`^${[first, ...others].map((part) => escaped(part)).join('[^/]+')}$`);
  return everything.some((known) => pattern.test(known));
}

describe('paths in the documentation', () => {
  it.each(pages)('exist as %s names them', (page) => {
    expect(pathsIn(page).filter((path) => !isThere(path))).toEqual([]);
  });

  it('are found in the page on architecture', () => {
    const paths = pathsIn('docs/architecture.md');
    expect(paths).toContain('native/nft/base.nft');
    expect(paths).toContain('src/core/plan/container/links.ts');
  });
});
