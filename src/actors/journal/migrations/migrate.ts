import type { Content } from './content.ts';
import { from9 } from './from-9.ts';
import { from10 } from './from-10.ts';
import { from11 } from './from-11.ts';
import { settle } from './unfinished.ts';

/** Version of a journal → how its content becomes that of the next version. */
const migrations: Readonly<Record<number, (content: Content) => Content>> = {
  9: from9,
  10: from10,
  11: from11,
  // the same content, in rows with checksums
  12: (content) => content,
};

/** The oldest version whose journals can be read. */
export const oldestVersion = Math.min(...Object.keys(migrations).map(Number));

/** Returns the content as a journal of version `to` holds it. */
export function migrate(content: Content, from: number, to: number): Content {
  let current = isSettled(from) ? settle(content) : content;
  for (let version = from; version < to; version++) {
    const next = migrations[version];
    if (!next) throw new Error(`no migration leads from version ${version}`);
    current = next(current);
  }
  return current;
}

/** Checks whether messages and plans of that version cannot be carried on with: what was under way has ended. */
export const isSettled = (from: number): boolean => from < 12;
