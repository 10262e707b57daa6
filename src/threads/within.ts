import { setTimeout as delay } from 'node:timers/promises';

/** Waits for the end, but no longer than the timeout; resolves to true if it has ended. */
export async function within(timeoutMs: number, ended: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController();
  const pause = delay(timeoutMs, false, { signal: timer.signal }).catch(() => false);
  return Promise.race([ended.then(() => true), pause]).finally(() => timer.abort());
}
