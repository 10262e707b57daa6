/** How an option or a variable says yes or no; null where it says neither. */
export const readFlag = (text: string): boolean | null =>
  ['true', '1'].includes(text) ? true : ['false', '0'].includes(text) ? false : null;
