import { accessSync, constants, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { startTicksOf } from './actors/process-start.ts';
import { fault, NetloomError } from './core/fault.ts';
import { makeDirectories } from './make-directories.ts';
import { isNoRoom, storageFull } from './storage/room.ts';

/** One daemon per run directory: the journal in it has one reader of its inboxes. Throws node.running, storage.full. */
export function takeRunDirectory(directory: string): { release(): void } {
  makeDirectory(directory);
  const path = `${directory}/daemon.pid`;
  const owner = livingOwner(path);
  if (owner !== null)
    throw new NetloomError(fault('node.running', `a daemon runs on ${directory} already (process ${owner})`));
  rmSync(path, { force: true });
  try {
    writeFileSync(path, `${process.pid} ${startTicksOf(process.pid)}\n`, { flag: 'wx', mode: 0o644 });
  } catch (error) {
    // half of it would be taken for that of another daemon
    if (isNoRoom(error)) rmSync(path, { force: true });
    if (isNoRoom(error)) throw storageFull(`no daemon can start on ${directory}: its file system is full`, error);
    throw new NetloomError(fault('node.running', `another daemon is starting on ${directory}`), { cause: error });
  }
  return { release: () => rmSync(path, { force: true }) };
}

function makeDirectory(directory: string): void {
  try {
    makeDirectories(directory, 0o700);
    accessSync(directory, constants.W_OK);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code;
    if (why !== 'EACCES' && why !== 'EPERM') throw error;
    throw new NetloomError(
      fault('node.unprivileged', `the run directory ${directory} cannot be written (${why}): the daemon needs root`),
      { cause: error },
    );
  }
}

/** The pid in the file, when that very process (not another that got its number) still lives. */
function livingOwner(path: string): number | null {
  try {
    const [pid, ticks] = readFileSync(path, 'utf8').trim().split(' ').map(Number);
    return pid !== undefined && pid !== process.pid && startTicksOf(pid) === ticks ? pid : null;
  } catch {
    return null;
  }
}
