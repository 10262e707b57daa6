import * as native from '#native';
import type { RtnetlinkStep } from '../rtnetlink/requests.ts';

/** Maximum wait for a link that is going away; usually some milliseconds, more on a busy machine. */
const patienceMs = 2_000;

/**
 * Returns the parent to watch. A macvlan that goes with its namespace keeps its MAC address and its place on the parent for some
 * moments after the namespace was dropped, and the kernel refuses the next one until then. Notices about the parent show when it
 * has gone. null: the refusal has another reason and is final.
 */
export function parentToWaitFor(
  socket: native.RouteSocket,
  host: native.RouteSocket,
  step: RtnetlinkStep,
  { errno }: native.SystemFault,
): native.LinkInfo | null {
  if (step.verb === 'link.macvlan' && step.mode === 'passthru' && errno === 'EINVAL')
    return native.linkByName(host, step.parent);
  if (step.verb !== 'link.set' || step.up !== true || errno !== 'EADDRINUSE') return null;
  const link = native.linkByName(socket, step.name);
  if (link?.kind !== 'macvlan' || link.parentIndex === null) return null;
  const name = native.linkName(host, link.parentIndex);
  const parent = name === null ? null : native.linkByName(host, name);
  return parent?.macAddress === link.macAddress ? null : parent;
}

/**
 * Tries again at every kernel notice about the parent: one comes when a link on it goes. Resolves to the last attempt's
 * fault, null for success.
 */
export async function retryUponNews<Fault>(parentIndex: number, attempt: () => Fault | null): Promise<Fault | null> {
  let news: () => void = () => {};
  const watch = native.watchRoutes({ links: true, addresses: false, routes: false }, (notices) => {
    if (notices.some((notice) => notice.kind === 'overrun' || isOf(parentIndex, notice))) news();
  });
  const deadline = performance.now() + patienceMs;
  try {
    for (;;) {
      // before the attempt, so that no notice is missed
      const heard = new Promise<void>((resolve) => {
        news = resolve;
      });
      const fault = attempt();
      if (fault === null || !(await within(deadline - performance.now(), heard))) return fault;
    }
  } finally {
    watch.close();
  }
}

const isOf = (index: number, notice: native.RouteNotice): boolean =>
  (notice.kind === 'link.changed' || notice.kind === 'link.deleted') && notice.index === index;

/** Waits for the event; resolves to whether it happened in time. */
async function within(ms: number, event: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, Math.max(ms, 0), false);
  });
  try {
    return await Promise.race([event.then(() => true), over]);
  } finally {
    clearTimeout(timer);
  }
}
