import { readdirSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import * as native from '#native';
import { type OwnerMark, ownerOfAlias, ownerOfPin } from '../../core/names.ts';
import { isSameLink, publicAddresses, type WayOut } from '../../core/way-out.ts';
import { serveThread } from '../../threads/inside.ts';
import { uplink } from '../links/route-steps.ts';
import type { FromWatcher, WatcherSettings } from './protocol.ts';
import { type KnownLink, type Suspects, Suspicions } from './suspects.ts';

/** Runs on a thread of its own, in the daemon's namespace: hears what the kernel tells of links, addresses, routes and tables. */

/**
 * What belongs together comes within this: a bridge that is deleted takes its addresses, routes and ports along. Meanwhile
 * nobody is woken: one container's set-up is some thirty notices, and whoever makes them would be interrupted by each.
 */
const coalesceMs = 10;
/**
 * How often settings of our bridges are read of which the kernel sends no notice (route_localnet, accept_ra). Takes 0.1 % of a
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
// looked at after the watches were opened: what changes in between is seen by one of the two
suspicions.know(native.listLinks(socket));
let way = wayOut();
main.say({ kind: 'watching', way });
main.ready();

// actors that are restored look by themselves
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
    // behind the turn of the event loop in which they are read
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

/** A bridge that is gone is its network's to put back; who was plugged in there is told by the network. */
function unplugged({ unplugged }: Suspects): OwnerMark[] {
  const isThere = new Map<KnownLink, boolean>();
  for (const { bridge } of unplugged)
    if (!isThere.has(bridge)) isThere.set(bridge, native.linkByName(socket, bridge.name)?.index === bridge.index);
  return unplugged.map(({ owner, bridge }) => (isThere.get(bridge) || !bridge.owner ? owner : bridge.owner));
}

/** The number of a namespace is given to another one soon after it ended: so it is asked for every time. */
function within(numbers: ReadonlySet<number>): OwnerMark[] {
  if (numbers.size === 0) return [];
  const owners = native.listLinks(socket).flatMap(({ alias, peerNetnsId }) => {
    const owner = alias !== null && peerNetnsId !== null && numbers.has(peerNetnsId) ? ownerOfAlias(alias) : null;
    return owner ?? [];
  });
  return owners.length > 0 ? owners : pinned(numbers);
}

/** Who has no end of a link here: by where namespaces are pinned. */
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
