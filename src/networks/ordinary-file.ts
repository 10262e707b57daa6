import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** Far more than any definition of a network has. */
const mostBytes = 1024 * 1024;

/**
 * The text of an ordinary file. Throws, and does not wait, where anything else has its name: a FIFO, a device. Its own messages go on after
 * the name of the file.
 */
export function textOfOrdinaryFile(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new Error('is not a regular file');
    if (stats.size > mostBytes) throw new Error(`is larger than ${mostBytes} bytes`);
    const buffer = Buffer.alloc(stats.size);
    return buffer.toString('utf8', 0, readSync(file, buffer));
  } finally {
    closeSync(file);
  }
}
