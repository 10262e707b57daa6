import type { Database, RootDatabase } from 'lmdb';
import { isNoRoom, roomOf } from '../../files/room.ts';

/** With so much what is under way ends, and all that is up is taken down, on a disk that is full. */
const reserveBytes = 4 * 2 ** 20;

/** With more than this nothing is looked at for a moment, in which far less is written. */
const plentyBytes = 2 * reserveBytes;
const freshMs = 50;

/**
 * What of the room each kind of write leaves to those below it. The last part is never used: pages that other threads still read
 * are not free yet.
 */
const leastBytes = {
  /** facts grow without end, and nothing depends on them */
  facts: 2 ** 20,
  decisions: 2 ** 19,
  /** what takes something out of the journal makes room */
  removals: 2 ** 18,
};

/** Of lmdb's getStats(), which has no type of its own. */
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

/** The two that describe the file. */
const metaPages = 2;

/**
 * Pages of the journal's file that nothing is on. lmdb takes those before it makes the file longer, and what the file has
 * already needs no room on the disk.
 */
export class JournalReserve {
  #plentyUntilMs = 0;

  constructor(
    private readonly directory: string,
    private readonly environment: RootDatabase,
    private readonly tables: readonly Pick<Database, 'getStats'>[],
  ) {}

  /** Adds pages where there are too few and the disk has room for more. Answers how many bytes there are. */
  keep(): number {
    const kept = this.#unusedBytes();
    if (kept >= reserveBytes || roomOf(this.directory).freeBytes < 2 * reserveBytes) return kept;
    try {
      // what is written and removed again leaves its pages to the file
      this.environment.transactionSync(() => this.environment.putSync('reserve', ' '.repeat(reserveBytes)));
      this.environment.transactionSync(() => this.environment.removeSync('reserve'));
    } catch (error) {
      if (!isNoRoom(error, this.directory)) throw error;
    }
    return this.#unusedBytes();
  }

  /**
   * Whether a write of that kind has room, on the disk or on such pages. It has to be asked before: a commit that finds none leaves
   * lmdb 3.5 with a damaged heap, which ends the process a few commits later.
   */
  hasRoomFor(kind: keyof typeof leastBytes): boolean {
    const nowMs = performance.now();
    if (nowMs < this.#plentyUntilMs) return true;
    const freeBytes = roomOf(this.directory).freeBytes;
    if (freeBytes >= plentyBytes) {
      this.#plentyUntilMs = nowMs + freshMs;
      return true;
    }
    // the pages that there are now, after what other threads have written
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
