import type { Journal } from '../actors/journal.ts';
import { containerAddress, hostAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/actor-event.ts';
import type { NetworkDefinition } from '../core/network/definition.ts';
import type { Evidence } from '../core/rebuild/evidence.ts';
import { type Former, type Rebuilt, rebuild } from '../core/rebuild/rebuild.ts';
import { within } from '../threads/within.ts';
import type { Workers } from './pool.ts';

/** What became of the journal before. */
export interface LostJournal extends Former {
  /** why there is none */
  cause: 'missing' | 'damaged';
  /** where the damaged one is kept */
  kept: string | null;
}

/** The kernel answers all claims within milliseconds; a container whose claims wait for something else claims on. */
const claimsWithinMs = 10_000;

/**
 * Fills a new journal with what lives in the kernel. Resolves when every container that was found has claimed its addresses and ports,
 * so that no command can be given them.
 */
export async function rebuildJournal(
  journal: Journal,
  workers: Pick<Workers, 'deliver' | 'on' | 'off'>,
  found: { evidence: Evidence; definitions: readonly NetworkDefinition[]; lost: LostJournal },
): Promise<Rebuilt> {
  const { evidence, definitions, lost } = found;
  const rebuilt = rebuild(evidence, definitions, lost);
  const created = new Date().toISOString();
  const containers = rebuilt.containers.map(({ wish, inode }) => ({
    to: containerAddress(wish.id),
    event: { type: 'container.found', wish, inode, created } satisfies ActorEvent,
  }));
  const { cause, kept } = lost;
  const summary = { cause, kept, containers: containers.map(({ to }) => to.slice('container/'.length)) };
  const notice = { to: hostAddress, event: { type: 'journal.rebuilt', ...summary } satisfies ActorEvent };
  const messages = containers.length > 0 || cause === 'damaged' ? [...containers, notice] : [];
  const claimed = allClaimed(journal, workers, containers);
  for (const delivery of journal.rebuild(messages)) workers.deliver(delivery);
  await within(claimsWithinMs, claimed);
  return rebuilt;
}

/** Resolves when none of the containers waits for the answer to a claim. */
function allClaimed(
  journal: Journal,
  workers: Pick<Workers, 'on' | 'off'>,
  containers: readonly { to: ReturnType<typeof containerAddress> }[],
): Promise<void> {
  const isClaiming = ({ to }: (typeof containers)[number]) => {
    const record = journal.actor(to);
    return record === null || record.value === 'claiming';
  };
  return new Promise((resolve) => {
    let open = [...containers];
    const look = () => {
      open = open.filter(isClaiming);
      if (open.length > 0) return;
      workers.off('committed', look);
      resolve();
    };
    workers.on('committed', look);
    if (open.length === 0) look();
  });
}
