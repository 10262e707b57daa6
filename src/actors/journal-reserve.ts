import type { Database, RootDatabase } from 'lmdb';
import { isNoRoom, roomOf } from '../storage/room.ts';

/** With so much what is under way ends, and all that is up is taken down, on a disk that is full. */
const reserveBytes = 4 * 2 ** 20;

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
  constructor(
    private readonly directory: string,
    private readonly environment: RootDatabase,
    private readonly tables: readonly Database[],
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
      if (!isNoRoom(error)) throw error;
    }
    return this.#unusedBytes();
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
