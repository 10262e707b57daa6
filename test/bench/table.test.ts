import { expect, it } from 'vitest';
import { figure, markdownTable, number, ratio, text } from '../../bench/report/table.ts';

it('a table aligns figures to the right and keeps a cell in its column', () => {
  expect(markdownTable([text('who'), number('ms')], [['a|b', '1.00']])).toBe(
    ['| who | ms |', '| --- | ---: |', '| a\\|b | 1.00 |'].join('\n'),
  );
});

it('a table refuses a row that is too long or too short', () => {
  expect(() => markdownTable([text('who')], [['a', 'b']])).toThrow('a row of 2 cells in a table of 1 columns');
});

it.each([
  [0.1234, '0.12'],
  [9.876, '9.88'],
  [12.34, '12.3'],
  [1234.5, '1,235'],
])('the figure %d is written as %s', (value, written) => {
  expect(figure(value)).toBe(written);
});

it('a ratio shows how many times as much one value is as the other', () => {
  expect(ratio(33, 2)).toBe('16.5 ×');
});
