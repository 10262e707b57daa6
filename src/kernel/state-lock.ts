import { closeSync } from 'node:fs';
import { lockDirectory } from '#native';
import { fault, isSystemFault, NetloomError, type SystemFault } from '../core/fault.ts';
import { identityOf } from '../files/identity.ts';

/** What flock(2) answers where a file system cannot lock a directory, as NFS. */
const unlockable: readonly string[] = ['EBADF', 'EINVAL', 'ENOLCK', 'ENOSYS', 'EOPNOTSUPP'];

/**
 * The state directory while a daemon has it: two nats-servers on one store destroy each other's streams. The lock is on the directory
 * itself, so that it needs no room on a full disk, and ends with the process.
 */
export class StateLock {
  /** why the file system cannot lock it, which stops no daemon; null: it is locked */
  refused: SystemFault | null = null;
  #fd: number | null = null;

  /** Throws node.running when another daemon has the directory, and SystemFaults. */
  constructor(private readonly directory: string) {
    this.renew();
  }

  /** Locks the directory that is there now, if it was removed or replaced. Throws as the constructor does. */
  renew(): void {
    if (this.#fd !== null && identityOf(this.directory) === identityOf(`/proc/self/fd/${this.#fd}`)) return;
    const former = this.#fd;
    this.#fd = this.#lock();
    if (former !== null) closeSync(former);
  }

  release(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #lock(): number | null {
    const fd = this.#tryLock();
    if (fd !== null || this.refused) return fd;
    throw new NetloomError(
      fault(
        'node.running',
        `another daemon uses the state directory ${this.directory}: each daemon needs its own (--state-dir)`,
      ),
    );
  }

  #tryLock(): number | null {
    this.refused = null;
    try {
      return lockDirectory(this.directory);
    } catch (error) {
      if (!isSystemFault(error) || !unlockable.includes(error.errno)) throw error;
      this.refused = error;
      return null;
    }
  }
}
