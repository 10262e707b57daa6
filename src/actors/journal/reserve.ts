import type { Database, RootDatabase } from 'lmdb';
import { isNoRoom, roomOf } from '../../files/free-space.ts';

/** Enough to finish the work under way, and to take down everything, on a full disk. */
const reserveBytes = 4 * 2 ** 20;

/** With more than this the check is skipped for a moment, in which far less is written. */
const plentyBytes = 2 * reserveBytes;
const freshMs = 50;

/**
 * The part of the room that each kind of write leaves to those below it. The last part is never used: pages that other threads
 * still read are not free yet.
 */
const leastBytes = {
  /** facts grow without end, and nothing depends on them */
  facts: 2 ** 20,
  decisions: 2 ** 19,
  /** removals from the journal make room */
  removals: 2 ** 18,
};

/** The used part of lmdb's getStats(), which has no type of its own. */
interface TreeStatistics {
  treeBranchPageCount: number;
  treeLeafPageCount: number;
  overflowPages: number;
}
interface EnvironmentStatistics {
  lastPageNumber: number;
  pageSize: number;
  root: TreeStatistics;
  free: TreeStatistics;
}

/** The two pages that describe the file. */
const metaPages = 2;

/**
 * Unused pages of the journal's file. lmdb takes those before it extends the file, and the file's own pages need no
 * further room on the disk.
 */
export class JournalReserve {
  #plentyUntilMs = 0;

  constructor(
    private readonly directory: string,
    private readonly environment: RootDatabase,
    private readonly tables: readonly Pick<Database, 'getStats'>[],
  ) {}

  /** Adds pages when there are too few and the disk has room for more. Returns the number of bytes. */
  keep(): number {
    const kept = this.#unusedBytes();
    if (kept >= reserveBytes || roomOf(this.directory).freeBytes < 2 * reserveBytes) return kept;
    try {
      // a write and its removal leave their pages to the file
      this.environment.transactionSync(() => this.environment.putSync('reserve', ' '.repeat(reserveBytes)));
      this.environment.transactionSync(() => this.environment.removeSync('reserve'));
    } catch (error) {
      if (!isNoRoom(error, this.directory)) throw error;
    }
    return this.#unusedBytes();
  }

  /**
   * Checks whether there is room for a write of that kind, on the disk or on such pages. This must be checked first: a commit without room
   * leaves lmdb 3.5 with a damaged heap, which ends the process a few commits later.
   */
  hasRoomFor(kind: keyof typeof leastBytes): boolean {
    const nowMs = performance.now();
    if (nowMs < this.#plentyUntilMs) return true;
    const freeBytes = roomOf(this.directory).freeBytes;
    if (freeBytes >= plentyBytes) {
      this.#plentyUntilMs = nowMs + freshMs;
      return true;
    }
    // the current pages, after the writes of other threads
    this.environment.resetReadTxn();
    return freeBytes + this.#unusedBytes() >= leastBytes[kind];
  }

  #unusedBytes(): number {
    const { lastPageNumber, pageSize, root, free } = this.environment.getStats() as EnvironmentStatistics;
    const trees = [root, free, ...this.tables.map((table) => table.getStats() as TreeStatistics)];
    const used = trees.reduce((pages, tree) => pages + pagesOf(tree), metaPages);
    return Math.max(0, lastPageNumber + 1 - used) * pageSize;
  }
}

const pagesOf = ({ treeBranchPageCount, treeLeafPageCount, overflowPages }: TreeStatistics): number =>
  treeBranchPageCount + treeLeafPageCount + overflowPages;
