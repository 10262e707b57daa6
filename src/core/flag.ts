/** Parses an option's or variable's yes or no; null if it is neither. */
export const readFlag = (text: string): boolean | null =>
  ['true', '1'].includes(text) ? true : ['false', '0'].includes(text) ? false : null;
