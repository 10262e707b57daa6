import { isSystemError, systemErrorText } from '../../core/system-error.ts';

/** What was looked at, what was found, and what to do about it. */
export interface Finding {
  check: string;
  /** null: no verdict, because something before it is missing */
  ok: boolean | null;
  /** it is still to come, and nothing is wrong with that */
  pending?: true;
  /** in words: a version, a path, the kernel's refusal; several things are a line each */
  found: string;
  /** how to mend it; null when all is well */
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

/** Runs a check that returns `found`, or throws the problem. */
export function tried(check: string, mend: string, act: () => string): Finding {
  try {
    return good(check, act());
  } catch (error) {
    return bad(check, isSystemError(error) ? systemErrorText(error) : (error as Error).message, mend);
  }
}

/** Without root, some things cannot be looked at. */
export const isRoot = (): boolean => process.getuid?.() === 0;

export const asRoot = 'run it as root (sudo netloom doctor)';
