import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, expect, it } from 'vitest';
import { type Span, span } from '../../src/threads/span.ts';

const heard: string[] = [];
const listener = (message: unknown) => {
  const { name, startNs, endNs } = message as Span;
  heard.push(`${name} ${endNs >= startNs}`);
};
const listen = () => subscribe('netloom:span', listener);

afterEach(() => {
  unsubscribe('netloom:span', listener);
  heard.length = 0;
});

it('tells how long work took, an inner piece before the outer one', () => {
  listen();
  expect(
    span('outer', () =>
      span(
        () => 'inner',
        () => 7,
      ),
    ),
  ).toBe(7);
  expect(heard).toEqual(['inner true', 'outer true']);
});

it('waits for what is promised', async () => {
  listen();
  const promised = span('slow', async () => 7);
  expect(heard).toEqual([]);
  expect(await promised).toBe(7);
  expect(heard).toEqual(['slow true']);
});

it('tells of work that fails, and lets the failure pass', async () => {
  listen();
  const fail = () => {
    throw new Error('no');
  };
  expect(() => span('at once', fail)).toThrow('no');
  await expect(span('later', async () => fail())).rejects.toThrow('no');
  expect(heard).toEqual(['at once true', 'later true']);
});

it('does not even ask for the name when nobody listens', () => {
  const name = () => {
    throw new Error('asked');
  };
  expect(span(name, () => 7)).toBe(7);
});
