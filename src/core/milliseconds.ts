/** As exact as anything is measured here: sums of fractions have long tails. */
export const toMicroseconds = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000;
