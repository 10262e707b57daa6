import type * as native from '#native';
import { NetloomError } from '../core/fault.ts';
import type { StepFailure } from './kernel.ts';

/** What the kernel would say. */
export function fault(op: string, errno: string, detail: string | null): native.SystemFault {
  return { op, errno, detail };
}

/** What a SystemFault says, or the fault of another thread; `verb` stands for an operation that is not named. */
export function failureOf(error: unknown, verb: string): Omit<StepFailure, 'index'> {
  if (error instanceof NetloomError) {
    const { step = verb, errno = 'EUNKNOWN', message, detail = message } = error.fault;
    return { operation: step, errno, detail };
  }
  const { op = verb, errno, detail = null, message } = error as Partial<native.SystemError>;
  return errno === undefined
    ? { operation: op, errno: 'EUNKNOWN', detail: message ?? String(error) }
    : { operation: op, errno, detail };
}

/** Whether it can be done. */
export function attempts(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

/** What was opened, or why it could not be. */
export function attempt<T>(open: () => T, verb: string): [T, null] | [null, Omit<StepFailure, 'index'>] {
  try {
    return [open(), null];
  } catch (error) {
    return [null, failureOf(error, verb)];
  }
}
