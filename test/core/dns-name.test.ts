import { describe, expect, it } from 'vitest';
import { aliasRefusal, askedNames, dnsName } from '../../src/core/dns-name.ts';

const label = 'x'.repeat(63);
const longest = [label, label, label, 'y'.repeat(61)].join('.');

describe('N15 an alias', () => {
  it.each([
    'web',
    'WEB',
    'trail.example.com.',
    'my_app',
    '_srv._tcp',
    '-x',
    '10',
    'bücher',
    'bücher.例え',
    label,
    longest,
  ])('N15 an alias can be %s', (alias) => expect(aliasRefusal(alias)).toBeNull());

  it.each([
    ['', 'an alias cannot be empty'],
    ['.', 'an alias cannot be empty'],
    ['..', 'empty label'],
    ['.web', 'empty label'],
    ['a..b', 'empty label'],
    ['web..', 'empty label'],
    [`${label}x`, '63 bytes per label'],
    ['ü'.repeat(60), '63 bytes per label'],
    [`${longest}z`, '253 per name'],
    ['a b', 'expected labels'],
    ['*', 'expected labels'],
    ['*.example.com', 'expected labels'],
    ['a/b', 'expected labels'],
    ['a,b', 'expected labels'],
    ['a\tb', 'expected labels'],
    ['a\0b', 'expected labels'],
    ['[::1]', 'expected labels'],
  ])('N15 an alias cannot be %j: %s', (alias, reason) => expect(aliasRefusal(alias)).toContain(reason));
});

describe('a name in DNS', () => {
  it.each([
    ['Web', 'web'],
    ['Trail.Example.com.', 'trail.example.com'],
    ['BÜCHER', 'xn--bcher-kva'],
    ['a b', 'a b'],
    ['*', '*'],
    ['', null],
    ['a..b', null],
    [`${label}x`, null],
  ])('%j becomes %j', (name, expected) => expect(dnsName(name)).toBe(expected));

  it('a name in DNS is looked up as it is written, and in ASCII', () => {
    expect(askedNames('Bücher.')).toEqual(['bücher', 'xn--bcher-kva']);
    expect(askedNames('WEB')).toEqual(['web']);
    expect(askedNames('.')).toEqual([]);
  });
});
