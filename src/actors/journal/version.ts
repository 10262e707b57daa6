/**
 * Raised when the shape of a machine's context or of a row changes, except by optional fields, with a function in `migrations/` that leads
 * there. A journal of a later version is refused.
 */
export const journalVersion = 13;
