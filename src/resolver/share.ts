/** An asker: its network, and which of it (a container's id; an address of this host). */
export interface Asker {
  network: string;
  holder: string;
}

/** A place that was given away; `giveWay` is called when it is taken back. */
export interface Place {
  readonly asker: Asker;
  giveWay(): void;
}

/** of all places, at most this part for one asker */
const partOfOne = 4;

/**
 * Places for what is under way, in fair shares: while there is room, every asker gets one; when there is none, the network
 * that has most gives way (the asker's own, if none has more), and on it the asker that has most, with what has waited longest. So an asker of much that
 * is never answered takes places from itself only.
 */
export class Shares {
  /** network → asker → its places, oldest first; no empty ones */
  readonly #taken = new Map<string, Map<string, Set<Place>>>();
  #count = 0;

  constructor(private readonly most: number) {}

  /** False: no place for this asker, since no other has more than it. */
  take(place: Place): boolean {
    const { network, holder } = place.asker;
    if (this.#countOf(network, holder) >= Math.max(1, Math.floor(this.most / partOfOne))) return false;
    if (this.#count >= this.most && !this.#makeRoom(place.asker)) return false;
    const onNetwork = this.#taken.get(network) ?? new Map<string, Set<Place>>();
    this.#taken.set(network, onNetwork.set(holder, (onNetwork.get(holder) ?? new Set()).add(place)));
    this.#count++;
    return true;
  }

  /** Giving it back twice changes nothing. */
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

/** The first of those that are largest; undefined of none. */
function largest<T>(all: readonly T[], measure: (one: T) => number): T | undefined {
  return all.reduce<T | undefined>(
    (most, one) => (most === undefined || measure(one) > measure(most) ? one : most),
    undefined,
  );
}
