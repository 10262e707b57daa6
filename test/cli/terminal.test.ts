import { describe, expect, it } from 'vitest';
import { parseSince } from '../../src/cli/since.ts';
import { facts, paint, plain, table, wantsColors } from '../../src/cli/terminal.ts';
import { bytesText } from '../../src/core/bytes.ts';

const terminal = { print: () => undefined, warn: () => undefined, colored: false };

describe('colours', () => {
  it('colours are for terminals only, and off when NO_COLOR is set', () => {
    expect(wantsColors({ isTTY: true }, {})).toBe(true);
    expect(wantsColors({ isTTY: true }, { NO_COLOR: '' })).toBe(true);
    expect(wantsColors({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColors({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
    expect(wantsColors({}, {})).toBe(false);
  });

  it('colours leave no trace when they are off', () => {
    expect(paint(terminal, 'red', 'x')).toBe('x');
    expect(paint({ colored: true }, 'red', 'x')).toBe('\x1b[31mx\x1b[0m');
  });
});

describe('names chosen by users', () => {
  it('names chosen by users cannot send control sequences to the terminal', () => {
    expect(plain('a\x1b[2Jb\nc')).toBe('a\u{fffd}[2Jb\u{fffd}c');
    expect(table(terminal, ['NAME'], [['\x1b]0;title\x07']])).not.toContain('\x1b');
  });
});

describe('tables', () => {
  it('tables are columns without lines', () => {
    const rows = [
      ['web', 'running', null],
      ['a-long-name', 'created', 42],
    ];
    expect(table(terminal, ['ID', 'STATE', 'PID'], rows).split('\n')).toEqual([
      'ID           STATE    PID',
      'web          running',
      'a-long-name  created  42',
    ]);
  });

  it('tables keep their head without rows', () => {
    expect(table(terminal, ['ID', 'STATE'], [])).toBe('ID  STATE');
  });
});

describe('facts', () => {
  it('facts stand below each other, continue lists, and leave out empty values', () => {
    expect(
      facts(terminal, [
        ['Id', 'web'],
        ['Process', null],
        ['Addresses', ['one', 'two']],
      ]).split('\n'),
    ).toEqual(['Id         web', 'Addresses  one', '           two']);
  });
});

describe('--since', () => {
  const now = Date.parse('2026-01-31T12:00:00Z');
  it.each([
    ['90s', new Date(now - 90_000)],
    ['10m', new Date(now - 600_000)],
    ['1.5h', new Date(now - 5_400_000)],
    ['2d', new Date(now - 172_800_000)],
    ['250ms', new Date(now - 250)],
    ['2026-01-31T11:00:00Z', new Date(now - 3_600_000)],
    ['17', 17],
    ['all', 'all'],
  ])('--since accepts %s', (text, since) => expect(parseSince(text, now)).toEqual(since));

  it.each(['', 'yesterday', '-5m', '10 m', '2026-99-01'])('--since refuses %j', (text) =>
    expect(() => parseSince(text, now)).toThrow(expect.objectContaining({ code: 'payload.invalid' })),
  );
});

describe('byte counts', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [1024 ** 2, '1.0 MiB'],
    [5.25 * 1024 ** 4, '5.3 TiB'],
  ])('byte counts of %d are shown as %s', (bytes, text) => expect(bytesText(bytes)).toBe(text));
});
