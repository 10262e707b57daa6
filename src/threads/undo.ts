import type { Logger } from 'pino';

/** Waits for all, so that also what outlives a failure is stopped. Stopped in the reverse of the order given here. */
export async function allOf<Started extends readonly unknown[]>(
  undo: (() => unknown)[],
  begun: readonly [...{ [Index in keyof Started]: [Promise<Started[Index]>, (started: Started[Index]) => unknown] }],
): Promise<Started> {
  const outcomes = await Promise.allSettled(begun.map(([promise]) => promise));
  for (const [index, outcome] of outcomes.entries())
    if (outcome.status === 'fulfilled') undo.push(() => begun[index]?.[1](outcome.value as never));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as unknown as Started;
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
