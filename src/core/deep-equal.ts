/** Compares plain data whose fields are in the same order, as in steps and settings. */
export const isDeepEqual = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
