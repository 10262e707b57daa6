/** Of plain data whose fields are in one order, as that of steps and settings is. */
export const isDeepEqual = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
