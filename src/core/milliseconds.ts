/** Rounds to the precision of the measurements: sums of fractions have long tails. */
export const toMicroseconds = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000;

/** The longest time within which a container's process may be required to start: a year. */
export const mostStartWithinMs = 366 * 24 * 3_600_000;
