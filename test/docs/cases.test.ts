import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** case, right behaviour, tests (`test/….test.ts`, several by comma), neighbours */
const rows = readFileSync('docs/cases.md', 'utf8')
  .split('\n')
  .map((line) => /^\| ([NCBP]\d\d) \| (.+?) \| (.+?) \| (.*?) ?\|$/.exec(line))
  .flatMap((match) => (match ? [{ name: match[1] as string, tests: match[3] as string, tried: match[4] ?? '' }] : []));

const titleOf = (name: string) => new RegExp(`['"\`]([NCBP]\\d\\d )*${name} `);

it('docs/cases.md has each case once', () => {
  const names = rows.map(({ name }) => name);
  expect(names.length).toBeGreaterThan(20);
  expect(new Set(names).size).toBe(names.length);
});

it.each(rows.filter(({ tests }) => tests !== 'open'))(
  'the case $name is proved by tests that name it, neighbours included',
  (row) => {
    const files = [...row.tests.matchAll(/`(.+?\.test\.ts)`/g)].map((match) => match[1] as string);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect(readFileSync(file, 'utf8'), file).toMatch(titleOf(row.name));
    expect(row.tried).not.toBe('');
  },
);

it('no case is marked open while a test in test/cases names it', () => {
  const texts = readdirSync('test/cases', { encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => readFileSync(`test/cases/${file}`, 'utf8'));
  for (const { name } of rows.filter(({ tests }) => tests === 'open'))
    expect(
      texts.some((text) => titleOf(name).test(text)),
      name,
    ).toBe(false);
});
