import type { LeftBehind } from './fault.ts';
import { describeElement, type Element } from './firewall/nft.ts';
import type { OwnerMark } from './object-names.ts';
import type { Step } from './steps/step.ts';

/** Objects of this host's kernel that carry a netloom name. */
export interface Inventory {
  /** pins in the directory of namespaces, with the owner that each name gives */
  namespaces: { path: string; owner: OwnerMark }[];
  links: InventoryLink[];
  elements: Element[];
}

export interface InventoryLink {
  name: string;
  kind: string | null;
  /** by its alias; null if only its name is that of a netloom veth */
  owner: OwnerMark | null;
  /** where its other end is: in a namespace pinned here, in this host's own, or in one that is pinned elsewhere or not at all */
  peer: 'pinned' | 'host' | 'elsewhere' | null;
  /** names of the links that are its ports */
  ports: string[];
}

/** Living owners: the marks of the journal's containers and networks on kernel objects, and the names of their veths. */
export interface Owners {
  marks: ReadonlySet<string>;
  vethNames: ReadonlySet<string>;
}

export const leftoverKinds = ['namespace', 'link', 'element'] as const;
export interface Leftover {
  kind: (typeof leftoverKinds)[number];
  name: string;
  /** the former owner by its mark; null: unknown */
  owner: string | null;
}

/** Objects without an owner. `doubtful`: it may belong to a daemon with another run directory. Never removed. */
export interface Leftovers {
  leftovers: Leftover[];
  doubtful: Leftover[];
}

/** A container that was set up and never started, and whose namespace has no process. */
export interface Unstarted {
  id: string;
  name: string;
  /** the engine that set it up; null: unknown */
  owner: string | null;
}

/** Result of gc: removed leftovers, and removed containers that were never started; in a dry run, those that were found. */
export interface GcResult extends Leftovers {
  dryRun: boolean;
  /** steps that could not be done, and containers that could not be removed; empty for a dry run */
  failed: LeftBehind[];
  /** only if requested; those that were started meanwhile are in neither list */
  unstarted: Unstarted[];
}

/**
 * Finds objects without an owner, and the steps that remove them. Objects that may belong to another daemon are left alone: a
 * veth that leads into a namespace which is pinned elsewhere, a bridge with ports, and whatever else carries the same owner's
 * name.
 */
export function findLeftovers(found: Inventory, owners: Owners): Leftovers & { steps: Step[] } {
  const isLost = (owner: string | null) => owner !== null && !owners.marks.has(owner);
  const orphans = found.links.filter(({ owner, name }) =>
    owner === null ? !owners.vethNames.has(name) : isLost(owner),
  );
  const own = new Set(orphans.filter(({ peer }) => peer !== 'elsewhere' && peer !== null).map(({ name }) => name));
  const isBridgeLeft = ({ kind, ports }: InventoryLink) => kind === 'bridge' && ports.every((port) => own.has(port));
  const links = orphans.filter((link) => own.has(link.name) || isBridgeLeft(link));
  const foreign = orphans.filter((link) => !links.includes(link));
  const foreigners = new Set(foreign.map(({ owner }) => owner));
  const namespaces = found.namespaces.filter(({ owner }) => isLost(owner));
  const lost = found.elements.filter(({ owner }) => isLost(owner));
  const elements = lost.filter(({ owner }) => !foreigners.has(owner as OwnerMark));
  return {
    leftovers: [...elements.map(ofElement), ...links.map(ofLink), ...namespaces.map(ofNamespace)],
    doubtful: [...lost.filter((element) => !elements.includes(element)).map(ofElement), ...foreign.map(ofLink)],
    steps: [
      ...(elements.length > 0 ? [{ verb: 'nft.delete', elements } as const] : []),
      ...links.map(({ name }): Step => ({ verb: 'link.delete', netns: null, name })),
      ...namespaces.map(({ path }): Step => ({ verb: 'netns.remove', path })),
    ],
  };
}

const ofElement = (element: Element): Leftover => ({
  kind: 'element',
  name: describeElement(element),
  owner: element.owner,
});
const ofLink = ({ name, owner }: InventoryLink): Leftover => ({ kind: 'link', name, owner });
const ofNamespace = ({ path, owner }: Inventory['namespaces'][number]): Leftover => ({
  kind: 'namespace',
  name: path,
  owner,
});
