/** Of one measured series; times in milliseconds. */
export interface Summary {
  count: number;
  p50Ms: number;
  p99Ms: number;
}

/** The smallest sample that at most `1 - share` of them exceed. Throws RangeError when there are no samples. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((one, other) => one - other);
  const found = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  if (found === undefined) throw new RangeError('a percentile of nothing');
  return found;
}

export function summarize(samplesMs: readonly number[]): Summary {
  return { count: samplesMs.length, p50Ms: percentile(samplesMs, 0.5), p99Ms: percentile(samplesMs, 0.99) };
}

/** Without the quarter with the lowest values and the quarter with the highest; of few samples one is left. */
export function middleHalf<T>(items: readonly T[], measure: (item: T) => number): T[] {
  const sorted = items.toSorted((one, other) => measure(one) - measure(other));
  const quarter = Math.floor((sorted.length - 1) / 4);
  return sorted.slice(quarter, sorted.length - quarter);
}
