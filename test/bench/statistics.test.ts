import { expect, it } from 'vitest';
import { middleHalf, percentile, summarize } from '../../bench/statistics.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, index) => count - index);

it('the median is the sample in the middle, whatever their order', () => {
  expect(percentile([3, 1, 2], 0.5)).toBe(2);
  expect(percentile([4, 1, 3, 2], 0.5)).toBe(2);
});

it('the 99th percentile of a hundred samples is exceeded by one of them', () => {
  expect(percentile(upTo(100), 0.99)).toBe(99);
  expect(percentile(upTo(200), 0.99)).toBe(198);
});

it('the 99th percentile of few samples is the largest', () => {
  expect(percentile([5, 7], 0.99)).toBe(7);
  expect(percentile([5], 0)).toBe(5);
});

it('an empty series has no percentile', () => {
  expect(() => percentile([], 0.5)).toThrow(RangeError);
});

it('a summary contains the number of its samples', () => {
  expect(summarize(upTo(100))).toEqual({ count: 100, p50Ms: 50, p99Ms: 99 });
});

it('a series without its extremes loses the least and the most, and never all of it', () => {
  const itself = (each: number) => each;
  expect(middleHalf([9, 1, 5, 3, 7], itself)).toEqual([3, 5, 7]);
  expect(middleHalf([2, 1], itself)).toEqual([1, 2]);
  expect(middleHalf([], itself)).toEqual([]);
});
