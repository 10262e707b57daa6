import { accessSync, constants } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The programs compiled beside the addon. */
export const built = (name: string): string => fileURLToPath(new URL(`../../../native/build/${name}`, import.meta.url));

export const inSource = (name: string): string => fileURLToPath(new URL(`../../../bench/${name}`, import.meta.url));

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The first directory of these that has it, as a path; null when none has. */
export function findIn(directories: readonly string[], program: string): string | null {
  const directory = directories.find((each) => isExecutable(`${each}/${program}`));
  return directory === undefined ? null : `${directory}/${program}`;
}

export const searchPath = (): string[] => [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];

/** null when all are available; otherwise the packages that contain the missing ones. */
export function missingPrograms(packages: Record<string, string>): string | null {
  const missing = Object.entries(packages).filter(([program]) => findIn(searchPath(), program) === null);
  return missing.length === 0 ? null : missing.map(([program, name]) => `${program} (package ${name})`).join(', ');
}
