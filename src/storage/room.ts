import { statfsSync } from 'node:fs';
import { fault, NetloomError } from '../core/fault.ts';
import { systemErrorText } from '../core/system-error.ts';

/** Free bytes of the file system that a directory is on, as this process may use them. Equivalent to: `df --output=avail`. */
export function freeBytesOf(directory: string): number {
  const { bsize, bfree, bavail } = statfsSync(directory);
  // what ext4 keeps back for root is root's to use
  return bsize * (process.geteuid?.() === 0 ? bfree : bavail);
}

export interface Room {
  freeBytes: number;
  /** why it is not known, in words: the directory was removed, or its disk fails; there is no room then */
  unknown: string | null;
}

/** The same, of a file system that may have gone. Never throws. */
export function roomOf(directory: string): Room {
  try {
    return { freeBytes: freeBytesOf(directory), unknown: null };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { freeBytes: 0, unknown: systemErrorText({ code, message }) };
  }
}

/** ENOSPC of lmdb, which gives the number. */
const enospc = 28;

/** Whether a write failed because there is no room: by the errno of Node, of the addon, or of lmdb. */
export function isNoRoom(error: unknown): boolean {
  const { code, errno } = (error ?? {}) as { code?: unknown; errno?: unknown };
  return [code, errno].some((each) => each === 'ENOSPC' || each === 'EDQUOT' || each === enospc);
}

/** Does it; a failure for want of room is thrown as storage.full, any other as it is. */
export function orStorageFull<Result>(directory: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    throw isNoRoom(error)
      ? storageFull(`nothing can be written to ${directory}: its file system is full`, error)
      : error;
  }
}

export function storageFull(message: string, cause?: unknown): NetloomError {
  return new NetloomError(fault('storage.full', message), cause === undefined ? undefined : { cause });
}

export function isStorageFull(error: unknown): error is NetloomError {
  return error instanceof NetloomError && error.code === 'storage.full';
}
