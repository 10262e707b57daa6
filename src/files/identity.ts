import { statSync } from 'node:fs';

/** Tells a directory from another one that has got its name; null: nothing is there. */
export function identityOf(path: string): string | null {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats ? `${stats.dev} ${stats.ino}` : null;
}
