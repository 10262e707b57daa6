import { expect, it } from 'vitest';
import { cpuSeconds, cpuSecondsIn, residentMiB } from '../../bench/process-usage.ts';

it('user and kernel time are added, whatever the name of the process', () => {
  expect(cpuSecondsIn('7 (a ) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0')).toBe(3);
});

it('the times of a live process can be read', () => {
  expect(cpuSeconds(process.pid)).toBeGreaterThan(0);
  expect(residentMiB(process.pid)).toBeCloseTo(process.memoryUsage.rss() / 2 ** 20, -2);
});
