import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';

export interface Place {
  path: string;
  /** of a link: its own */
  stats: Stats;
}

/** As many as the kernel follows. */
const mostLinks = 40;

/**
 * The directories and links by which the kernel comes to this path, from the root on; without what the path itself leads to.
 * Ends where nothing is, or nothing can be seen.
 */
export function wayTo(path: string): Place[] {
  const way = [placeAt('/')].filter((place) => place !== null);
  const parts = (path.startsWith('/') ? path : `${process.cwd()}/${path}`).split('/').filter(isStep);
  let at = '/';
  for (let links = 0; parts.length > 0 && links < mostLinks; ) {
    const part = parts.shift() ?? '';
    const place = placeAt(join(at, part));
    if (place === null) break;
    if (place.stats.isSymbolicLink()) {
      const target = readlinkSync(place.path);
      parts.unshift(...target.split('/').filter(isStep));
      if (target.startsWith('/')) at = '/';
      links++;
    } else if (parts.length > 0) at = place.path;
    else break;
    way.push(place);
  }
  return way;
}

const isStep = (part: string): boolean => part !== '' && part !== '.';

function placeAt(path: string): Place | null {
  try {
    return { path, stats: lstatSync(path) };
  } catch {
    return null;
  }
}
