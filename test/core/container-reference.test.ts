import { describe, expect, it } from 'vitest';
import { resolveContainerId, shortId } from '../../src/core/container/reference.ts';

const podmans = (beginning: string) => beginning.padEnd(64, '0');
const containers = [
  { id: podmans('aabbcc'), name: 'web' },
  { id: podmans('aabbdd'), name: 'my.db' },
  { id: 'web2', name: 'web2' },
  { id: 'aad', name: 'twin' },
  { id: 'other', name: 'twin' },
  { id: podmans('bbbbbb'), name: 'aabbdd' },
];

describe('a container is named', () => {
  it.each([
    [podmans('aabbcc'), podmans('aabbcc')],
    ['web', podmans('aabbcc')],
    ['my.db', podmans('aabbdd')],
    ['aabbcc', podmans('aabbcc')],
    ['web2', 'web2'],
    ['aad', 'aad'],
    ['bbbbbb', podmans('bbbbbb')],
  ])('a container is named %s, which means %s', (reference, id) =>
    expect(resolveContainerId(containers, reference)).toBe(id),
  );

  it('a container is named by its full ID first, and by its name before a prefix of an ID', () => {
    expect(resolveContainerId([...containers, { id: 'web', name: 'x' }], 'web')).toBe('web');
    expect(resolveContainerId(containers, 'aabbdd')).toBe(podmans('bbbbbb'));
  });

  it.each(['we', 'oth', 'nobody', 'c', 'bbbbb'])(
    '%s is unknown: an ID of words must be complete, and other IDs need six digits',
    (reference) =>
      expect(resolveContainerId(containers, reference)).toEqual({
        code: 'container.unknown',
        message: `no container ${reference}`,
      }),
  );

  it('a container is named unambiguously: otherwise the candidates are listed', () => {
    const alike = [...containers, { id: podmans('aabbcc1'), name: podmans('aabbcc1') }];
    expect(resolveContainerId(alike, 'aabbcc')).toEqual({
      code: 'container.ambiguous',
      message: 'aabbcc may be any of the containers web (aabbcc000000), aabbcc100000',
    });
    expect(resolveContainerId(containers, 'twin')).toMatchObject({
      code: 'container.ambiguous',
      message: 'twin may be any of the containers twin (aad), twin (other)',
    });
  });

  it("a container is named in output by twelve digits of podman's IDs, and by the whole of any other", () =>
    expect(containers.map(({ id }) => shortId(id))).toEqual([
      'aabbcc000000',
      'aabbdd000000',
      'web2',
      'aad',
      'other',
      'bbbbbb000000',
    ]));
});
