import { existsSync, mkdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'smol-toml';
import { EndWith, exitCode } from '../failure.ts';
import { type ConfFile, dropInDir, networkSettings, readConfFile, readConfFiles } from './containers-conf.ts';

/**
 * Manages the file that makes podman use netloom: `<config dir>/containers.conf.d/50-netloom.conf`. Other settings of
 * podman are in other files, so removing this one does not lose them.
 */

const ours = '# Made by `netloom podman install`; `netloom podman uninstall` removes it.';
const madeDirectory = '# With it was made: ';

export const dropInPath = (configDir: string) => join(dropInDir(configDir), '50-netloom.conf');

/** Reads netloom's drop-in. null: not installed */
export function installedDropIn(configDir: string): ConfFile | null {
  const path = dropInPath(configDir);
  if (!existsSync(path)) return null;
  const { text } = readConfFile(path);
  return text.startsWith(ours) ? { path, text } : null;
}

export interface DropInWish {
  /** directory of the executables `netavark` and `aardvark-dns` */
  doorDir: string;
  /** run directory of the daemon; null: the default */
  runDir: string | null;
}

/** Writes the drop-in and returns it. Throws EndWith if another file would override it. */
export function installDropIn(configDir: string, wish: DropInWish): ConfFile {
  const path = dropInPath(configDir);
  const before = installedDropIn(configDir);
  if (!before && existsSync(path)) throw refusal(`${path} exists and was not written by netloom`);
  const others = readConfFiles(configDir).filter((file) => file.path !== path);
  const file = { path, text: dropInText(others, wish) };
  mustCount(others, file, wish.doorDir);
  const made = mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const note = made
    ? `${madeDirectory}${made}`
    : before?.text.split('\n').find((line) => line.startsWith(madeDirectory));
  const text = note ? file.text.replace('\n', `\n${note}\n`) : file.text;
  // podman may read it at any time, so it must appear complete
  rmSync(`${path}.new`, { force: true });
  writeFileSync(`${path}.new`, text, { mode: 0o644, flag: 'wx' });
  renameSync(`${path}.new`, path);
  return { path, text };
}

/** Removes the drop-in, and the directories that were created for it if they are empty. false: not installed */
export function removeDropIn(configDir: string): boolean {
  const installed = installedDropIn(configDir);
  if (!installed) return false;
  rmSync(installed.path);
  const line = installed.text.split('\n').find((text) => text.startsWith(madeDirectory));
  if (line) removeEmpty(dirname(installed.path), line.slice(madeDirectory.length));
  return true;
}

function removeEmpty(directory: string, topmost: string): void {
  if (!directory.startsWith(topmost)) return;
  try {
    rmdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTEMPTY') return;
    throw error;
  }
  removeEmpty(dirname(directory), topmost);
}

/** Makes the text of the drop-in. A list replaces lists of earlier files, so their entries are repeated after ours. */
function dropInText(others: ConfFile[], { doorDir, runDir }: DropInWish): string {
  const { helperDirs, environment } = networkSettings(others);
  const helperDirectories = [doorDir, ...helperDirs.value.filter((directory) => directory !== doorDir)];
  const otherVariables = environment.value.filter((variable) => !variable.startsWith('NETLOOM_RUN_DIR='));
  const env = runDir === null ? {} : { env: [...otherVariables, `NETLOOM_RUN_DIR=${runDir}`] };
  const conf = {
    network: { network_backend: 'netavark' },
    engine: { helper_binaries_dir: helperDirectories, ...env },
  };
  return `${ours}\n${stringify(conf)}\n`;
}

/** Refuses to install a drop-in that a later file overrides. */
function mustCount(others: ConfFile[], file: ConfFile, doorDir: string): void {
  const all = [...others, file].sort((one, other) => rank(one, file.path) - rank(other, file.path));
  const { backend, helperDirs } = networkSettings(all);
  const overruling = backend.value !== 'netavark' ? backend.file : helperDirs.value[0] !== doorDir && helperDirs.file;
  if (overruling) throw refusal(`${overruling} is read after ${file.path} and overrides it: remove that setting first`);
}

/** Orders files: containers.conf comes before all drop-ins, which are in the order of their names. */
function rank({ path }: ConfFile, ourPath: string): number {
  if (path === ourPath) return 0;
  return dirname(path) === dirname(ourPath) && path > ourPath ? 1 : -1;
}

export const refusal = (message: string) => new EndWith(exitCode.failed, { code: 'podman.refused', message });
