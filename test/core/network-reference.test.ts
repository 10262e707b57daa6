import { describe, expect, it } from 'vitest';
import { resolveNetworkName } from '../../src/core/network/reference.ts';

const networks = [
  { name: 'web', id: `aab0${'0'.repeat(60)}` },
  { name: 'back', id: `aac1${'1'.repeat(60)}` },
  { name: 'aac', id: `bb${'2'.repeat(62)}` },
];

describe('A07 a network is named', () => {
  it.each([
    ['web', 'web'],
    [networks[1]?.id as string, 'back'],
    ['aab', 'web'],
    ['b', 'aac'],
  ])('A07 a network is named %s, which means %s', (reference, name) =>
    expect(resolveNetworkName(networks, reference)).toBe(name),
  );

  it('A07 a network is named by its name before a prefix of an ID', () =>
    expect(resolveNetworkName(networks, 'aac')).toBe('aac'));

  it('A07 a network is named unambiguously: otherwise the candidates are listed', () =>
    expect(resolveNetworkName(networks, 'aa')).toEqual({
      code: 'network.ambiguous',
      message: 'aa may be any of the networks web (aab000000000), back (aac111111111)',
    }));

  it('A07 a network is named by an existing name or ID: otherwise it is unknown', () =>
    expect(resolveNetworkName(networks, 'c')).toMatchObject({ code: 'network.unknown' }));
});
