import { randomUUID } from 'node:crypto';
import { fault, NetloomError } from '../../core/fault.ts';
import { oldestVersion } from './migrations/migrate.ts';
import type { LeftOut } from './outbox-table.ts';
import type { SealedRows } from './sealed-rows.ts';
import { journalVersion } from './version.ts';

/** Values stored beside the other tables. */
export type MetaRows = SealedRows<number | string | LeftOut | JournalOrigin, string>;

/** Why a journal begins. */
export interface JournalOrigin {
  cause: 'missing' | 'damaged';
  /** where the damaged one is kept */
  kept: string | null;
  /** a daemon has used the run directory before */
  hasLived: boolean;
}

export const firstJournal: JournalOrigin = { cause: 'missing', kept: null, hasLived: false };

const rebuildKey = 'rebuild';

/** The journal's own data: its version, its epoch, the boot, and the number of the last message. */
export class MetaTable {
  constructor(private readonly rows: MetaRows) {}

  /** null: the journal is not begun yet. Throws journal.newer, and journal.version for one that is too old. */
  version(): number | null {
    const version = this.rows.get('version');
    if (version === undefined) return null;
    if (typeof version !== 'number' || version < oldestVersion)
      throw new NetloomError(
        fault(
          'journal.version',
          `the journal has version ${version}, and this version of netloom reads ${oldestVersion} to ${journalVersion}`,
        ),
      );
    if (version > journalVersion)
      throw new NetloomError(
        fault(
          'journal.newer',
          `the journal was written by a later version of netloom (${version}, this is ${journalVersion}): start that version again. Networks stay as they are`,
        ),
      );
    return version;
  }

  /** Identifies the journal. null: it is not begun yet. */
  epoch(): string | null {
    return (this.rows.get('epoch') as string | undefined) ?? null;
  }

  /** Notes that the journal has the shape of this version. */
  upgrade(): void {
    this.rows.putSync('version', journalVersion);
  }

  begin(origin: JournalOrigin): string {
    this.rows.putSync('version', journalVersion);
    const epoch = randomUUID();
    this.rows.putSync('epoch', epoch);
    this.rows.putSync(rebuildKey, origin);
    return epoch;
  }

  /** A new journal does not know yet what lives in the kernel. null: it was looked for */
  rebuildDue(): JournalOrigin | null {
    return (this.rows.get(rebuildKey) as JournalOrigin | undefined) ?? null;
  }

  noteRebuilt(): void {
    this.rows.removeSync(rebuildKey);
  }

  /** Number of the latest message or plan. */
  lastSequence(): number {
    return (this.rows.get('sequence') as number | undefined) ?? 0;
  }

  nextSequence(): number {
    const next = this.lastSequence() + 1;
    this.rows.putSync('sequence', next);
    return next;
  }

  /** Makes the journal one of this boot. Returns whether it was of the same boot, of another one, or new. */
  noteBoot(bootId: string): 'same' | 'other' | 'first' {
    const known = this.rows.get('boot');
    if (known === bootId) return 'same';
    this.rows.putSync('boot', bootId);
    return known === undefined ? 'first' : 'other';
  }
}
