import { expect, it } from 'vitest';
import { sharingCycle } from '../../src/core/container/sharing.ts';
import type { ContainerWish } from '../../src/core/container/wish.ts';
import { wishOf } from './samples.ts';

const share = (id: string, target: string) => wishOf({ id, mode: `container:${target}` });
const codeAmong = (wish: ContainerWish, ...others: ContainerWish[]) =>
  sharingCycle(wish, (id) => others.find((other) => other.id === id) ?? null)?.code ?? null;

it('B04 a cycle of two, and of more, is found from each of its members', () => {
  expect(codeAmong(share('a', 'b'), share('b', 'a'))).toBe('netns.cycle');
  const three = [share('a', 'b'), share('b', 'c'), share('c', 'a')];
  for (const wish of three) expect(codeAmong(wish, ...three)).toBe('netns.cycle');
});

it('B04 the error names the members of a cycle in order', () => {
  const three = [share('b', 'c'), share('c', 'a')];
  expect(sharingCycle(share('a', 'b'), (id) => three.find((other) => other.id === id) ?? null)?.message).toBe(
    "containers share each other's namespaces: a → b → c → a",
  );
});

it('B04 a chain that ends is no cycle, with a known owner or an unknown one', () => {
  expect(codeAmong(share('a', 'b'), share('b', 'c'), wishOf({ id: 'c' }))).toBeNull();
  expect(codeAmong(share('a', 'b'), share('b', 'c'))).toBeNull();
  expect(codeAmong(wishOf({ id: 'a' }), share('b', 'a'))).toBeNull();
});

it('B04 a cycle of other containers is not followed endlessly', () => {
  expect(codeAmong(share('a', 'b'), share('b', 'c'), share('c', 'b'))).toBeNull();
});
