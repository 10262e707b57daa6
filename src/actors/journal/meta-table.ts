import { randomUUID } from 'node:crypto';
import type { Database } from 'lmdb';
import { fault, NetloomError } from '../../core/fault.ts';
import type { LeftOut } from './outbox-table.ts';

/** Raised when the shape of a machine's context changes, except by optional fields: a journal of another version is refused. */
const journalVersion = 12;

/** Values stored beside the other tables. */
export type MetaRows = Database<number | string | LeftOut, string>;

/** The journal's own data: its version, its epoch, the boot, and the number of the last message. */
export class MetaTable {
  constructor(private readonly rows: MetaRows) {}

  /** Identifies the journal. null: it is not begun yet. Throws for a journal of another version of netloom. */
  epoch(): string | null {
    const version = this.rows.get('version');
    if (version !== undefined && version !== journalVersion)
      throw new NetloomError(
        fault(
          'journal.version',
          `the journal was written by another version of netloom (${version}, this is ${journalVersion})`,
        ),
      );
    return (this.rows.get('epoch') as string | undefined) ?? null;
  }

  begin(): string {
    this.rows.putSync('version', journalVersion);
    const epoch = randomUUID();
    this.rows.putSync('epoch', epoch);
    return epoch;
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
