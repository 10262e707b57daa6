import type { Logger } from 'pino';

/**
 * Registers something that is being started, so that it is stopped in its turn, even if another start fails before this one
 * has ended.
 */
export function undoable<Started>(
  undo: (() => unknown)[],
  begun: Promise<Started>,
  stop: (started: Started) => unknown,
): Promise<Started> {
  // the code that awaits the start reports a failure
  const settled = begun.then(
    (started) => () => stop(started),
    () => () => {},
  );
  undo.push(async () => (await settled)());
  return begun;
}

/** Runs the functions, newest first; a failure does not stop the others. */
export async function unwind(undo: (() => unknown)[], log: Pick<Logger, 'warn'>): Promise<void> {
  for (const step of undo.splice(0).reverse()) {
    try {
      await step();
    } catch (error) {
      log.warn({ error }, 'could not be stopped cleanly');
    }
  }
}
