import type { Logger } from 'pino';

/** Waits for all, so that also what outlives a failure is stopped. Stopped in the reverse of the order given here. */
export async function allOf<Started extends readonly unknown[]>(
  undo: (() => unknown)[],
  begun: readonly [...{ [Index in keyof Started]: [Promise<Started[Index]>, (started: Started[Index]) => unknown] }],
): Promise<Started> {
  const outcomes = await Promise.allSettled(begun.map(stoppable));
  const done = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  undo.push(...done.map(({ stop }) => stop));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  // one for each that was begun, in their order
  return done.map(({ started }) => started) as readonly unknown[] as Started;
}

const stoppable = async <One>([promise, stop]: readonly [Promise<One>, (started: One) => unknown]) => {
  const started = await promise;
  return { started, stop: () => stop(started) };
};

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
