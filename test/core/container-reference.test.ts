import { describe, expect, it } from 'vitest';
import { resolveContainerId, shortId } from '../../src/core/container-reference.ts';

const podmans = (beginning: string) => beginning.padEnd(64, '0');
const containers = [
  { id: podmans('aab'), name: 'web' },
  { id: podmans('aac'), name: 'my.db' },
  { id: 'web2', name: 'web2' },
  { id: 'aad', name: 'twin' },
  { id: 'other', name: 'twin' },
  { id: podmans('b'), name: 'aac' },
];

describe('a container is named', () => {
  it.each([
    [podmans('aab'), podmans('aab')],
    ['web', podmans('aab')],
    ['my.db', podmans('aac')],
    ['aab', podmans('aab')],
    ['web2', 'web2'],
    ['aad', 'aad'],
    ['b', podmans('b')],
  ])('%s means %s', (reference, id) => expect(resolveContainerId(containers, reference)).toBe(id));

  it('by its id before all, and by its name before an id that begins so', () => {
    expect(resolveContainerId([...containers, { id: 'web', name: 'x' }], 'web')).toBe('web');
    expect(resolveContainerId(containers, 'aac')).toBe(podmans('b'));
  });

  it.each(['we', 'oth', 'nobody', 'c'])('%s is nobody: ids that are words are said whole', (reference) =>
    expect(resolveContainerId(containers, reference)).toEqual({
      code: 'container.unknown',
      message: `no container ${reference}`,
    }),
  );

  it('when several may be meant they are listed', () => {
    expect(resolveContainerId(containers, 'aa')).toEqual({
      code: 'container.ambiguous',
      message: 'aa may be any of the containers web (aab000000000), my.db (aac000000000)',
    });
    expect(resolveContainerId(containers, 'twin')).toMatchObject({
      code: 'container.ambiguous',
      message: 'twin may be any of the containers twin (aad), twin (other)',
    });
  });

  it("is shown with twelve digits of podman's ids, and the whole of any other", () =>
    expect(containers.map(({ id }) => shortId(id))).toEqual([
      'aab000000000',
      'aac000000000',
      'web2',
      'aad',
      'other',
      'b00000000000',
    ]));
});
