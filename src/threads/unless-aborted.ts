/**
 * Resolves to the result, or rejects with the signal's reason as soon as it is aborted. Then nothing waits for the rest;
 * `late` gets its result.
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
