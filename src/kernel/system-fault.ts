import { faultOf, isSystemFault, type SystemFault } from '../core/fault.ts';

/** What the kernel refused, or another thread that works for it; `op` stands for an operation that is not named. */
export function systemFaultOf(error: unknown, op: string): SystemFault {
  if (isSystemFault(error))
    return {
      op: error.op,
      errno: error.errno,
      detail: error.detail,
      ...(error.port !== undefined && { port: error.port }),
    };
  const { step = op, errno = 'EUNKNOWN', message, detail = message } = faultOf(error);
  return { op: step, errno, detail };
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
export function attempt<T>(open: () => T, op: string): [T, null] | [null, SystemFault] {
  try {
    return [open(), null];
  } catch (error) {
    return [null, systemFaultOf(error, op)];
  }
}
