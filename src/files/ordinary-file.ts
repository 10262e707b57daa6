import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { ContentError } from '../core/content-error.ts';

/** Far more than any file has that netloom reads. */
export const mostBytes = 1024 * 1024;

/**
 * Reads a regular file of at most 1 MiB. Throws, and does not wait, where anything else has its name: a FIFO, a device. It
 * throws a ContentError for these, and errors of the system as they are. For all files that another program or user may have put there.
 * `judge`: throws where a file of this kind is not to be read; it sees the very file that is read.
 */
export function readOrdinaryFile(path: string, judge: (stats: Stats) => void = () => {}): Buffer {
  // opening a device may do something
  mustBeRegular(statSync(path));
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    mustBeRegular(stats);
    judge(stats);
    if (stats.size > mostBytes) throw new ContentError(`is larger than ${mostBytes} bytes`);
    const buffer = Buffer.alloc(stats.size);
    return buffer.subarray(0, readSync(file, buffer));
  } finally {
    closeSync(file);
  }
}

export const textOfOrdinaryFile = (path: string): string => readOrdinaryFile(path).toString('utf8');

function mustBeRegular(stats: { isFile(): boolean }): void {
  if (!stats.isFile()) throw new ContentError('is not a regular file');
}
