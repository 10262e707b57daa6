import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { NetloomError } from '../core/fault.ts';
import { examineJournal } from './journal/examination.ts';
import { Journal } from './journal.ts';

export interface OpenedJournal {
  journal: Journal;
  /** null: there was none, or a sound one */
  damage: { why: string; kept: string } | null;
}

/**
 * Opens the journal for the daemon, after it was examined. A damaged one is moved aside, and a new one begins. The run directory must be
 * this daemon's. hasLived: a daemon has used it before. Throws journal.newer, journal.version, journal.unexamined, storage.full.
 */
export async function openJournal(
  runDirectory: string,
  hasLived: boolean,
  signal: AbortSignal,
): Promise<OpenedJournal> {
  const verdict = await examineJournal(`${runDirectory}/journal`, signal);
  let why = verdict?.kind === 'damaged' ? verdict.why : null;
  if (why === null) {
    try {
      return { journal: new Journal(runDirectory, { cause: 'missing', kept: null, hasLived }), damage: null };
    } catch (error) {
      if (!(error instanceof NetloomError && error.code === 'journal.damaged')) throw error;
      why = error.message;
    }
  }
  const kept = setAside(runDirectory);
  return { journal: new Journal(runDirectory, { cause: 'damaged', kept, hasLived: true }), damage: { why, kept } };
}

/** Keeps one damaged journal, the last. Returns its place. */
function setAside(runDirectory: string): string {
  const kept = `${runDirectory}/journal.damaged`;
  rmSync(kept, { recursive: true, force: true });
  renameSync(`${runDirectory}/journal`, kept);
  mkdirSync(`${runDirectory}/journal`, { mode: 0o700 });
  return kept;
}
