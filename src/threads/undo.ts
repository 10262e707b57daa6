import type { Logger } from 'pino';

/**
 * Begins to wait for what is being started. It is stopped in its turn: also if another start fails before this one has
 * ended.
 */
export function undoable<Started>(
  undo: (() => unknown)[],
  begun: Promise<Started>,
  stop: (started: Started) => unknown,
): Promise<Started> {
  // a failure is reported where the start is awaited
  const settled = begun.then(
    (started) => () => stop(started),
    () => () => {},
  );
  undo.push(async () => (await settled)());
  return begun;
}

/** Newest first; one that fails does not keep the others. */
export async function unwind(undo: (() => unknown)[], log: Pick<Logger, 'warn'>): Promise<void> {
  for (const step of undo.splice(0).reverse()) {
    try {
      await step();
    } catch (error) {
      log.warn({ error }, 'could not be stopped cleanly');
    }
  }
}
