/** An asker: its network, and its identity there (a container's ID; an address of this host). */
export interface Asker {
  network: string;
  holder: string;
}

/** A place in use; `giveWay` is called when it is taken back. */
export interface Place {
  readonly asker: Asker;
  giveWay(): void;
}

/** one asker gets at most this part of all places */
const partOfOne = 4;

/**
 * Places for queries under way, in fair shares. While there is room, every asker gets one. Without room, the network with the most
 * places gives way (the asker's own, if none has more), on it the asker with the most, and of its queries the oldest. So an asker
 * of many queries without answers takes places from itself only.
 */
export class Shares {
  /** network → asker → its places, oldest first; no empty ones */
  readonly #taken = new Map<string, Map<string, Set<Place>>>();
  #count = 0;

  constructor(private readonly most: number) {}

  /** Takes a place; returns false if no other asker has more than this one. */
  take(place: Place): boolean {
    const { network, holder } = place.asker;
    if (this.#countOf(network, holder) >= Math.max(1, Math.floor(this.most / partOfOne))) return false;
    if (this.#count >= this.most && !this.#makeRoom(place.asker)) return false;
    const onNetwork = this.#taken.get(network) ?? new Map<string, Set<Place>>();
    this.#taken.set(network, onNetwork.set(holder, (onNetwork.get(holder) ?? new Set()).add(place)));
    this.#count++;
    return true;
  }

  /** Gives a place back; a second time changes nothing. */
  giveBack(place: Place): void {
    const { network, holder } = place.asker;
    const onNetwork = this.#taken.get(network);
    const own = onNetwork?.get(holder);
    if (!onNetwork || !own?.delete(place)) return;
    this.#count--;
    if (own.size === 0) onNetwork.delete(holder);
    if (onNetwork.size === 0) this.#taken.delete(network);
  }

  #makeRoom({ network, holder }: Asker): boolean {
    const [greediest, onNetwork] = largest([...this.#taken], ([, askers]) => sizeOf(askers)) ?? [];
    const own = this.#taken.get(network);
    const hasMostOfAll = own !== undefined && sizeOf(own) >= sizeOf(onNetwork ?? new Map());
    const from = hasMostOfAll ? own : onNetwork;
    const places = from && largest([...from.values()], ({ size }) => size);
    const isOwnNetwork = hasMostOfAll || greediest === network;
    if (!places || (isOwnNetwork && places.size <= this.#countOf(network, holder))) return false;
    const [oldest] = places as Set<Place>;
    if (!oldest) return false;
    this.giveBack(oldest);
    oldest.giveWay();
    return true;
  }

  #countOf(network: string, holder: string): number {
    return this.#taken.get(network)?.get(holder)?.size ?? 0;
  }
}

function sizeOf(askers: ReadonlyMap<string, ReadonlySet<Place>>): number {
  return [...askers.values()].reduce((sum, { size }) => sum + size, 0);
}

/** Returns the first of the largest; undefined if empty. */
function largest<T>(all: readonly T[], measure: (one: T) => number): T | undefined {
  return all.reduce<T | undefined>(
    (most, one) => (most === undefined || measure(one) > measure(most) ? one : most),
    undefined,
  );
}
