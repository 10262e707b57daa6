import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);

const sources = ['machines', 'src'].flatMap((folder) =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`),
);

it('nothing is converted by way of never or unknown, which the compiler does not check', () => {
  const conversions = sources.flatMap((file) =>
    readFileSync(new URL(file, root), 'utf8')
      .split('\n')
      .filter((line) => /\bas (never\b|unknown as\b)/.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  );
  expect(conversions).toEqual([]);
});
