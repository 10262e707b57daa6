import { type FSWatcher, watch } from 'node:fs';
import { fault, NetloomError } from '../core/fault.ts';

/** What the kernel answers where its limits for inotify are reached; its words for them speak of disks and open files. */
const exhausted: readonly unknown[] = ['ENOSPC', 'EMFILE', 'ENFILE'];

/** Calls back with the name in a directory, or of the file, that has changed. Throws inotify.exhausted, and what inotify_add_watch(2) does. */
export function watchPath(path: string, changed: (name: string | null) => void): FSWatcher {
  try {
    return watch(path, { persistent: false }, (_, name) => changed(name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!exhausted.includes(code)) throw error;
    throw new NetloomError(
      fault(
        'inotify.exhausted',
        `${path} cannot be watched, because the programs of this host use all inotify instances or watches (${code}): raise fs.inotify.max_user_instances and fs.inotify.max_user_watches (sysctl)`,
      ),
      { cause: error },
    );
  }
}
