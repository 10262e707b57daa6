import { execFileSync } from 'node:child_process';
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { z } from 'zod';
import { askProgram, failureReason } from './ask-program.ts';

/** Directory of the executables that podman runs instead of netavark's; `npm run build:native` makes them. */
export const doorDir = join(dirname(createRequire(import.meta.url).resolve('#package.json')), 'native/build/doors');

/** Finds the first executable of that name, in podman's search order; null: not found. */
export function findIn(directories: string[], name: string): string | null {
  return directories.map((directory) => join(directory, name)).find(isExecutable) ?? null;
}

export const findProgram = (name: string) => findIn((process.env.PATH ?? '').split(delimiter).filter(Boolean), name);

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Checks whether a path leads to one of netloom's executables. */
export function isDoor(path: string): boolean {
  try {
    return dirname(realpathSync(path)) === realpathSync(doorDir);
  } catch {
    return false;
  }
}

/** Reads a program's version. `text`: the first line of `<program> --version`, or why it could not be read. */
export function versionOf(program: string): { isReported: boolean; text: string } {
  try {
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    const printed = execFileSync(program, ['--version'], { encoding: 'utf8', stdio, timeout: 10_000 });
    return { isReported: true, text: printed.split('\n')[0] ?? '' };
  } catch (error) {
    return { isReported: false, text: `does not report its version: ${failureReason(error)}` };
  }
}

const containersSchema = z.array(
  z.object({
    Id: z.string(),
    Names: z.array(z.string()),
    Networks: z.array(z.string()).nullable(),
    State: z.string(),
  }),
);

/** States in which a container has its networks: from `podman init` to the clean-up after its end. */
const networkedStates = ['initialized', 'running', 'paused', 'stopping', 'stopped'];

export interface RunningContainer {
  id: string;
  name: string;
  networks: string[];
}

/**
 * Lists the containers of a rootful podman that have their networks. Asks for all containers, because podman does not
 * list a paused one as running. Throws EndWith if podman cannot list them.
 */
export function runningOnNetworks(podman: string): RunningContainer[] {
  return askProgram(podman, ['ps', '--all', '--format', 'json'], containersSchema)
    .filter(({ State }) => networkedStates.includes(State))
    .map(({ Id, Names, Networks }) => ({ id: Id, name: Names[0] ?? Id.slice(0, 12), networks: Networks ?? [] }))
    .filter(({ networks }) => networks.length > 0);
}
