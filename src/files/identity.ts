import { statSync } from 'node:fs';

/** Identifies a directory, also after another one got its name; null: it does not exist. */
export function identityOf(path: string): string | null {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats ? `${stats.dev} ${stats.ino}` : null;
}
