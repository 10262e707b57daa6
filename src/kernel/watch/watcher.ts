import { readdirSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import * as native from '#native';
import { type OwnerMark, ownerOfAlias, ownerOfPin } from '../../core/object-names.ts';
import { isSameLink, publicAddresses, type WayOut } from '../../core/uplink.ts';
import { serveThread } from '../../threads/inside.ts';
import { uplink } from '../links/uplink.ts';
import type { FromWatcher, WatcherSettings } from './protocol.ts';
import { type KnownLink, type Suspects, Suspicions } from './suspects.ts';

/** Runs on a separate thread in the daemon's namespace: receives kernel notices about links, addresses, routes and tables. */

/**
 * Related notices come within this time: a deleted bridge takes its addresses, routes and ports along. No actor is woken
 * meanwhile: a container's set-up causes some thirty notices, and each would interrupt it.
 */
const coalesceMs = 10;
/**
 * How often the watcher reads bridge settings for which the kernel sends no notice (route_localnet, accept_ra). Takes 0.1 % of a
 * processor with 100 bridges.
 */
const settingsEveryMs = 1000;

const { netnsDirectory } = workerData as WatcherSettings;
const main = serveThread<Record<never, never>, never, FromWatcher>({});

const socket = native.openRouteSocket(null);
const suspicions = new Suspicions();
let isResting = false;

const watches = [
  native.watchRoutes({ links: true, addresses: true, routes: true, settings: true, allNamespaces: true }, (notices) => {
    suspicions.hearRoutes(notices);
    schedule();
  }),
  native.watchNft((notices) => {
    suspicions.hearNft(notices);
    schedule();
  }),
];
// read after the watches were opened: one of the two sees a change in between
suspicions.know(native.listLinks(socket));
let way = wayOut();
main.say({ kind: 'watching', way });
main.ready();

// restored actors check by themselves
readSettings();
suspicions.take();
setInterval(() => {
  if (suspicions.hasBridges && readSettings()) schedule();
}, settingsEveryMs);

function readSettings(): boolean {
  return suspicions.hearSettings(native.listBridgeSettings(socket));
}

function schedule(): void {
  if (isResting) return;
  isResting = true;
  for (const watch of watches) watch.pause();
  setTimeout(() => {
    for (const watch of watches) watch.resume();
    // after the event loop turn that reads them
    setImmediate(conclude);
  }, coalesceMs);
}

function conclude(): void {
  isResting = false;
  if (suspicions.areSettingsStale) readSettings();
  const suspects = suspicions.take();
  if (suspects) tell(suspects);
  if (suspicions.hasHeldBack) schedule();
}

function tell(suspects: Suspects): void {
  const { all, links, addresses, wayOut } = suspects;
  // notices were lost, those of new links too
  if (all) suspicions.know(native.listLinks(socket));
  const owners = new Set([...suspects.owners, ...unplugged(suspects), ...within(suspects.namespaces)]);
  if (all || owners.size + links.size + addresses.length > 0)
    main.say({ kind: 'suspected', all, owners: [...owners], links: [...links], addresses });
  if (all || wayOut) lookForWayOut();
}

/** Returns the owners to check: for a bridge that is gone its network, which restores it and notifies the containers on it. */
function unplugged({ unplugged }: Suspects): OwnerMark[] {
  const isThere = new Map<KnownLink, boolean>();
  for (const { bridge } of unplugged)
    if (!isThere.has(bridge)) isThere.set(bridge, native.linkByName(socket, bridge.name)?.index === bridge.index);
  return unplugged.map(({ owner, bridge }) => (isThere.get(bridge) || !bridge.owner ? owner : bridge.owner));
}

/** Returns the owners of these namespaces. Looks them up every time, because the kernel soon reuses the number of an ended namespace. */
function within(numbers: ReadonlySet<number>): OwnerMark[] {
  if (numbers.size === 0) return [];
  const owners = native.listLinks(socket).flatMap(({ alias, peerNetnsId }) => {
    const owner = alias !== null && peerNetnsId !== null && numbers.has(peerNetnsId) ? ownerOfAlias(alias) : null;
    return owner ?? [];
  });
  return owners.length > 0 ? owners : pinned(numbers);
}

/** Finds owners without a link end here, by the paths where namespaces are pinned. */
function pinned(numbers: ReadonlySet<number>): OwnerMark[] {
  return readdirSync(netnsDirectory).flatMap((entry) => {
    const owner = ownerOfPin(entry);
    if (owner === null) return [];
    try {
      const number = native.netnsIdOf(socket, `${netnsDirectory}/${entry}`);
      return number !== null && numbers.has(number) ? owner : [];
    } catch {
      // removed meanwhile
      return [];
    }
  });
}

function lookForWayOut(): void {
  const now = wayOut();
  if (now.hostIp === way.hostIp && isSameLink(now, way)) return;
  way = now;
  main.say({ kind: 'uplink', way });
}

function wayOut(): WayOut {
  const link = uplink(socket);
  const hostIp = native.sourceAddressFor(socket, publicAddresses[0]);
  return { hostIp, link: link?.name ?? null, mtuBytes: link?.mtuBytes ?? null };
}
