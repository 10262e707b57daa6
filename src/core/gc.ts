import type { LeftBehind } from './fault.ts';
import { describeElement, type Element } from './firewall/nft.ts';
import type { OwnerMark } from './names.ts';
import type { Step } from './steps/step.ts';

/** What of this host's kernel carries a name of netloom's. */
export interface Inventory {
  /** pins in the directory of namespaces, by whose name they have */
  namespaces: { path: string; owner: OwnerMark }[];
  links: FoundLink[];
  elements: Element[];
}

export interface FoundLink {
  name: string;
  kind: string | null;
  /** by its alias; null when it has only the name of one of netloom's veths */
  owner: OwnerMark | null;
  /** where its other end is: in a namespace pinned here, in this host's own, or in one that is pinned elsewhere or nowhere */
  peer: 'pinned' | 'host' | 'elsewhere' | null;
  /** names of the links that are plugged in */
  ports: string[];
}

/** Who there is: how the kernel's objects name containers and networks of the journal, and the names that their veths have. */
export interface Owners {
  marks: ReadonlySet<string>;
  vethNames: ReadonlySet<string>;
}

export const leftoverKinds = ['namespace', 'link', 'element'] as const;
export interface Leftover {
  kind: (typeof leftoverKinds)[number];
  name: string;
  /** who it says it was of; null when it does not say */
  owner: string | null;
}

/** `doubtful`: without an owner here, but it may be of a daemon with another run directory. Never removed. */
export interface Leftovers {
  leftovers: Leftover[];
  doubtful: Leftover[];
}

/** A container that was set up and never started, and in whose namespace no process lives. */
export interface Unstarted {
  id: string;
  name: string;
  /** the engine that set it up; null if unknown */
  owner: string | null;
}

/** What became of leftovers. Failed: steps that could not be done; of a dry run there are none. */
export interface Swept extends Leftovers {
  dryRun: boolean;
  failed: LeftBehind[];
}

/** What became of containers that were never started: ids of those that are gone. Those that were started meanwhile are in neither. */
export interface Abandoned {
  removed: string[];
  failed: LeftBehind[];
}

/** What gc answers. */
export interface Collected extends Swept {
  /** only where they were asked for */
  unstarted: Unstarted[];
}

/**
 * What has no owner, and the steps that remove it. Whatever may be another's is left alone: a veth that leads into a
 * namespace which is pinned elsewhere, a bridge with somebody in it, and whatever else carries the same owner's name.
 */
export function findLeftovers(found: Inventory, owners: Owners): Leftovers & { steps: Step[] } {
  const isLost = (owner: string | null) => owner !== null && !owners.marks.has(owner);
  const orphans = found.links.filter(({ owner, name }) =>
    owner === null ? !owners.vethNames.has(name) : isLost(owner),
  );
  const own = new Set(orphans.filter(({ peer }) => peer !== 'elsewhere' && peer !== null).map(({ name }) => name));
  const isBridgeLeft = ({ kind, ports }: FoundLink) => kind === 'bridge' && ports.every((port) => own.has(port));
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
const ofLink = ({ name, owner }: FoundLink): Leftover => ({ kind: 'link', name, owner });
const ofNamespace = ({ path, owner }: Inventory['namespaces'][number]): Leftover => ({
  kind: 'namespace',
  name: path,
  owner,
});
