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

/** ENOSPC of lmdb, which gives the number, and its MDB_MAP_FULL: it makes its map larger, until there is no more address space. */
const noRoomOfLmdb: readonly unknown[] = [28, -30_792];

/** EIO, as which lmdb reports a write that the system carried out in part. */
const partlyWritten = 5;
/** After such a write a disk that was full has hardly anything left. */
const hardlyAnyBytes = 2 ** 20;

/** Checks whether a write to this directory failed because there is no room: by the errno of Node, of the addon, or of lmdb. */
export function isNoRoom(error: unknown, directory: string): boolean {
  const { code, errno } = (error ?? {}) as { code?: unknown; errno?: unknown };
  if ([code, errno].some((each) => each === 'ENOSPC' || each === 'EDQUOT' || noRoomOfLmdb.includes(each))) return true;
  return code === partlyWritten && roomOf(directory).freeBytes < hardlyAnyBytes;
}

/** Does it; a failure for want of room is thrown as storage.full, any other as it is. */
export function orStorageFull<Result>(directory: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    throw isNoRoom(error, directory) ? diskFull(directory, error) : error;
  }
}

export const diskFull = (directory: string, cause?: unknown): NetloomError =>
  storageFull(`nothing can be written to ${directory}: its file system is full`, cause);

export function storageFull(message: string, cause?: unknown): NetloomError {
  return new NetloomError(fault('storage.full', message), cause === undefined ? undefined : { cause });
}

export function isStorageFull(error: unknown): error is NetloomError {
  return error instanceof NetloomError && error.code === 'storage.full';
}
