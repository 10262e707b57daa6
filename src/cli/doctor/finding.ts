import { isSystemError, systemErrorText } from '../../core/system-error.ts';

/** Result of a check: what was found, and how to fix it. */
export interface Finding {
  check: string;
  /** null: not decided, because the check needs something that is missing */
  ok: boolean | null;
  /** not there yet, which is not a problem */
  pending?: true;
  /** a version, a path, the kernel's error, …; several findings have one line each */
  found: string;
  /** how to fix it; null: no problem */
  mend: string | null;
}

export const good = (check: string, found: string): Finding => ({ check, ok: true, found, mend: null });
export const bad = (check: string, found: string, mend: string): Finding => ({ check, ok: false, found, mend });
export const pending = (check: string, found: string): Finding => ({
  check,
  ok: null,
  pending: true,
  found,
  mend: null,
});
export const untried = (check: string, because: string): Finding => ({
  check,
  ok: null,
  found: `not tried: ${because}`,
  mend: null,
});

/** Runs a check, which returns what it found or throws the problem. */
export function tried(check: string, mend: string, act: () => string): Finding {
  try {
    return good(check, act());
  } catch (error) {
    return bad(check, isSystemError(error) ? systemErrorText(error) : (error as Error).message, mend);
  }
}

/** Checks for root: other users cannot examine everything. */
export const isRoot = (): boolean => process.getuid?.() === 0;

export const asRoot = 'run it as root (sudo netloom doctor)';
