/**
 * What was begun, or the signal's reason as soon as it is aborted. Nothing waits for the rest then; what it still brings
 * is given to `late`.
 */
export function unlessAborted<Result>(
  signal: AbortSignal,
  begun: Promise<Result>,
  late: (result: Result) => unknown = () => {},
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason);
      begun.then(late).catch(() => {});
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    begun.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
