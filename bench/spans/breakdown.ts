/** Nanoseconds of the machine's clock. */
export interface Interval {
  name: string;
  startNs: number;
  endNs: number;
}

/**
 * The owner of each moment of `whole`: the span under way that began last; uncovered moments are `rest`. The
 * times add up to the whole. Nanoseconds by name.
 */
export function breakDown(whole: Interval, spans: readonly Interval[], rest: string): Map<string, number> {
  const within = spans
    .map((span) => ({
      ...span,
      startNs: Math.max(span.startNs, whole.startNs),
      endNs: Math.min(span.endNs, whole.endNs),
    }))
    .filter(({ startNs, endNs }) => startNs < endNs);
  const moments = [whole.startNs, whole.endNs, ...within.flatMap(({ startNs, endNs }) => [startNs, endNs])];
  const borders = [...new Set(moments)].toSorted((one, other) => one - other);
  const times = new Map<string, number>();
  for (const [index, startNs] of borders.slice(0, -1).entries()) {
    const endNs = borders[index + 1] as number;
    const covering = within.filter((span) => span.startNs <= startNs && endNs <= span.endNs);
    const innermost = covering.reduce<Interval | null>(
      (one, other) => (one && one.startNs > other.startNs ? one : other),
      null,
    );
    const name = innermost?.name ?? rest;
    times.set(name, (times.get(name) ?? 0) + endNs - startNs);
  }
  return times;
}
