import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const writableByOthers = 0o022;
const sticky = 0o1000;

/**
 * How somebody who is not root could put something else in this file's place, in words; null when nobody can. The file itself
 * is looked at and every directory above it. Throws where there is none.
 */
export function replaceableBy(path: string): string | null {
  for (let place = realpathSync(path); ; place = dirname(place)) {
    const { uid, mode } = statSync(place);
    if (uid !== 0) return `${place} belongs to user ${uid}`;
    // what is in a sticky directory (/tmp) is its owner's to rename
    if (mode & writableByOthers && !(mode & sticky)) return `others may write to ${place}`;
    if (place === dirname(place)) return null;
  }
}
