import { ContentError } from './content-error.ts';

/**
 * Parses JSON that another program or a user wrote. Throws a ContentError, whose message follows the name of the text: `is
 * not valid JSON: line 3, column 9`. V8's own messages quote the text, line feeds included, and often give no position.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ContentError(`is not valid JSON: ${placeIn(text, validLength(text))}`, { cause });
  }
}

/** Formats a position, from 1: `line 3, column 9`. */
function placeIn(text: string, offset: number): string {
  if (offset === text.length) return 'it ends too early';
  const lines = text.slice(0, offset).split('\n');
  return `line ${lines.length}, column ${(lines.at(-1) as string).length + 1}`;
}

/** Returns the length of the longest prefix that more text could complete. */
function validLength(text: string): number {
  let [least, most] = [0, text.length];
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (canGoOn(text.slice(0, middle))) least = middle;
    else most = middle - 1;
  }
  return least;
}

function canGoOn(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const { message } = error as Error;
    return /end of JSON input|Unterminated string/.test(message) || message.includes(`at position ${text.length}`);
  }
}
