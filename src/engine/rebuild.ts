import { readableRecords } from '../actors/journal/examination.ts';
import type { Journal, JournalOrigin } from '../actors/journal.ts';
import { type ActorAddress, actorName, containerAddress, hostAddress, isOfKind } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/actor-event.ts';
import type { NetworkDefinition } from '../core/network/definition.ts';
import type { Evidence } from '../core/rebuild/evidence.ts';
import { rebuild } from '../core/rebuild/rebuild.ts';
import { rememberedWishes } from '../core/rebuild/remembered.ts';
import type { Workers } from './pool.ts';

/** The kernel answers all claims within milliseconds; a container whose network cannot be raised claims longer. */
const claimsWithinMs = 10_000;

/** Fills a new journal with what lives in the kernel. Returns the IDs of the containers that were found. */
export async function rebuildJournal(
  journal: Journal,
  workers: Pick<Workers, 'deliver'>,
  { cause, kept, hasLived }: JournalOrigin,
  { evidence, definitions }: { evidence: Evidence; definitions: readonly NetworkDefinition[] },
): Promise<string[]> {
  const wishes = rememberedWishes(kept === null ? new Map() : await readableRecords(kept));
  const created = new Date().toISOString();
  const found = rebuild(evidence, definitions, { wishes, hasLived }).map(({ wish, inode }) => ({
    to: containerAddress(wish.id),
    event: { type: 'container.found', wish, inode, created } satisfies ActorEvent,
  }));
  const containers = found.map(({ to }) => actorName(to));
  const event = { type: 'journal.rebuilt', cause, kept, containers } satisfies ActorEvent;
  const isNews = containers.length > 0 || cause === 'damaged';
  const messages = isNews ? [...found, { to: hostAddress, event }] : [];
  for (const delivery of journal.rebuild(messages)) workers.deliver(delivery);
  return containers;
}

/**
 * Resolves when every container that was found, by this start or by one before it that was killed, has claimed its addresses and ports, so
 * that no command is given them. Returns the containers that are still claiming after a while.
 */
export async function claimsOfFound(journal: Journal, workers: Pick<Workers, 'on' | 'off'>): Promise<ActorAddress[]> {
  const isClaiming = (address: ActorAddress) =>
    (isOfKind(address, 'container') && journal.actor(address)?.context.found !== undefined) ||
    journal.inboxOf(address).some(({ event }) => event.type === 'container.found');
  const known = journal.actorsOf('container').map(({ address }): ActorAddress => address);
  let open = [...new Set([...known, ...journal.inboxAddresses()])].filter(isClaiming);
  if (open.length === 0) return [];
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      workers.off('committed', look);
      resolve(open);
    };
    const look = () => {
      open = open.filter(isClaiming);
      if (open.length === 0) end();
    };
    const timer = setTimeout(end, claimsWithinMs);
    workers.on('committed', look);
    look();
  });
}
