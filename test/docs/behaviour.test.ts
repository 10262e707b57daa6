import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const table = readFileSync('docs/behaviour.md', 'utf8');
/** rule, its text, `test/….test.ts`: title */
const rows = table
  .split('\n')
  .map((line) => /^\| ([A-D]\d\d) \| (.+?) \| (?:`(.+?)`: (.+?)|open: (.+?)) \|$/.exec(line))
  .flatMap((match) => (match ? [{ rule: match[1] as string, file: match[3], title: match[4] }] : []));

const counts = { A: 9, B: 8, C: 9, D: 4 };
const rules = Object.entries(counts).flatMap(([letter, count]) =>
  Array.from({ length: count }, (_, index) => `${letter}0${index + 1}`),
);

it('docs/behaviour.md has a row for every rule, in order', () => {
  expect(rows.map(({ rule }) => rule)).toEqual(rules);
});

it.each(rows.filter(({ file }) => file !== undefined))(
  'the rule $rule is proved by an existing test that names it',
  (row) => {
    const title = (row.title as string).replaceAll('\\|', '|');
    expect(title).toMatch(new RegExp(`\\b${row.rule}\\b`));
    const source = readFileSync(row.file as string, 'utf8');
    expect(["'", '"', '`'].some((quote) => source.includes(`${quote}${title}`))).toBe(true);
  },
);

it('no rule is marked open while a test names it', () => {
  const titles = readdirSync('test', { recursive: true, encoding: 'utf8' })
    // the cases there have names of their own
    .filter((file) => file.endsWith('.test.ts') && !file.startsWith('cases/'))
    .map((file) => readFileSync(`test/${file}`, 'utf8'));
  for (const { rule } of rows.filter(({ file }) => file === undefined))
    expect(
      titles.filter((text) => new RegExp(`['"\`]([A-F]\\d\\d )*${rule} `).test(text)),
      rule,
    ).toEqual([]);
});
