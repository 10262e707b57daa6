import { expect, it } from 'vitest';
import { middleHalf, percentile, summarize } from '../../bench/statistics.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, index) => count - index);

it('takes the sample in the middle as the median, in whatever order they came', () => {
  expect(percentile([3, 1, 2], 0.5)).toBe(2);
  expect(percentile([4, 1, 3, 2], 0.5)).toBe(2);
});

it('is exceeded by one sample of a hundred at the 99th percentile', () => {
  expect(percentile(upTo(100), 0.99)).toBe(99);
  expect(percentile(upTo(200), 0.99)).toBe(198);
});

it('takes the largest of few samples as their 99th percentile', () => {
  expect(percentile([5, 7], 0.99)).toBe(7);
  expect(percentile([5], 0)).toBe(5);
});

it('has no percentile of nothing', () => {
  expect(() => percentile([], 0.5)).toThrow(RangeError);
});

it('says how many samples stand behind a summary', () => {
  expect(summarize(upTo(100))).toEqual({ count: 100, p50Ms: 50, p99Ms: 99 });
});

it('leaves out the least and the most of a series, and never all of it', () => {
  const itself = (each: number) => each;
  expect(middleHalf([9, 1, 5, 3, 7], itself)).toEqual([3, 5, 7]);
  expect(middleHalf([2, 1], itself)).toEqual([1, 2]);
  expect(middleHalf([], itself)).toEqual([]);
});
