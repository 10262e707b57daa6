/** Facts are some 700 bytes each. With more than so many that wait for the stream, nothing further is built. */
export const mostFactsToBuild = 30_000;
/** What changes of itself, and what is taken down, has this much beside them; what is more is left out, and counted. */
export const mostFacts = 40_000;
