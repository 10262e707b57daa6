import { faultOf, isSystemFault, type SystemFault } from '../core/fault.ts';

/** Converts an error of the kernel, or of a thread that works for it; `op` is used if the error names no operation. */
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

/** Tries an action; returns whether it succeeds. */
export function attempts(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

/** Opens something; returns it, or the fault. */
export function attempt<T>(open: () => T, op: string): [T, null] | [null, SystemFault] {
  try {
    return [open(), null];
  } catch (error) {
    return [null, systemFaultOf(error, op)];
  }
}
