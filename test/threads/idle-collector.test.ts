import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { IdleCollector } from '../../src/threads/idle-collector.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const heapMiB = () => process.memoryUsage().heapUsed / 2 ** 20;
const garbageMiB = 24;

/** Objects that have lived too long for the nursery when they are thrown away. */
function throwAway(): void {
  const kept = Array.from({ length: garbageMiB }, (_, index) => new Array(2 ** 17).fill(index));
  kept.length = 0;
}

/** What a cleaner gives back that heard of so much work, and of so much each second afterwards. */
function givenBackMiB(work: number, workPerSecond = 0): number {
  const cleaner = new IdleCollector();
  try {
    throwAway();
    const before = heapMiB();
    for (let index = 0; index < work; index++) cleaner.note();
    for (let second = 0; second < 11; second++) {
      for (let index = 0; index < workPerSecond; index++) cleaner.note();
      vi.advanceTimersByTime(1_000);
    }
    return before - heapMiB();
  } finally {
    cleaner.stop();
  }
}

it('gives back what was thrown away when nothing comes after much work', () => {
  expect(givenBackMiB(1_000)).toBeGreaterThan(garbageMiB * 0.8);
});

it('lets garbage be after little work', () => {
  expect(givenBackMiB(10)).toBeLessThan(garbageMiB * 0.2);
});

it('does not clean while something comes', () => {
  expect(givenBackMiB(1_000, 1)).toBeLessThan(garbageMiB * 0.2);
});
