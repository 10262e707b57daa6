import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Counts the kernel's network namespaces, including unreachable ones: the kernel removes those in the background,
 * some 30 ms each, and keeps a processor busy meanwhile. null where the kernel does not report the number.
 */
export function namespaceCount(): number | null {
  try {
    return countIn(readFileSync('/proc/slabinfo', 'utf8'));
  } catch {
    return null;
  }
}

export function countIn(slabinfo: string): number | null {
  const match = /^net_namespace +(\d+)/m.exec(slabinfo);
  return match && Number(match[1]);
}

/** The kernel counts whole pages of them now and then. */
const tolerance = 20;

/** Resolves when there are about as many as before; after a while also when there are not. */
export async function namespacesAreGone(before: number | null, withinMs: number): Promise<void> {
  if (before === null) return;
  for (const deadline = performance.now() + withinMs; performance.now() < deadline; await delay(250))
    if ((namespaceCount() ?? 0) <= before + tolerance) return;
}
