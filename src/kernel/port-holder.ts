import { setTimeout as delay } from 'node:timers/promises';
import * as native from '#native';
import type { ActorAddress } from '../core/actor-address.ts';
import { type Family, familyOf } from '../core/address.ts';
import { SystemError } from '../core/fault.ts';
import { anyAddress, type Protocol } from '../core/port.ts';
import type { HeldPorts } from '../core/steps/port.ts';
import type { Step } from '../core/steps/step.ts';

type Hold = Extract<Step, { verb: 'port.hold' }>;

/** Ports that are held together; `first` is the picked port if 0 was asked for. */
interface Held {
  asked: HeldPorts;
  first: number;
}

/** All ports of one owner. A port held twice, on one address and on all, is bound once. */
interface Holdings {
  /** by the request with the picked number, so that holding it again after a restart finds it */
  held: Map<string, Held>;
  /** by protocol, address and port */
  bound: Map<string, native.HeldPort>;
}

interface Place {
  protocol: Protocol;
  family: Family;
  port: number;
}

/** Number of picks before a range, or a port free in both families, counts as not available. */
const pickAttempts = 64;
/** Ports 0 to 65535. */
const portCount = 65_536;
/**
 * A forked process keeps its parent's open files until it runs its own program, including a port released meanwhile. So
 * netloom retries a port that it released this recently, at this interval.
 */
const inheritedMs = 1_000;
const retryMs = 2;
/** A family that this host does not have needs no holding. */
const absentFamily: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

/** The host ports that are really bound, by owner: a conflict shows at once, and no other program takes them later. */
export class PortHolder {
  readonly #owners = new Map<ActorAddress, Holdings>();
  /** when which ports were let go (`performance.now()`), oldest first */
  #released: (Held & { atMs: number })[] = [];

  /** Binds range ports from `port` (0: picks them) on every address. Holding a held port again is success. */
  async hold(step: Hold): Promise<number> {
    for (;;) {
      try {
        return this.#hold(step);
      } catch (error) {
        if ((error as native.SystemError).errno !== 'EADDRINUSE' || !this.#wasOurs(step)) throw error;
      }
      await delay(retryMs);
    }
  }

  #hold({ verb: _, owner, ...asked }: Hold): number {
    const mine = this.#owners.get(owner) ?? { held: new Map(), bound: new Map() };
    this.#owners.set(owner, mine);
    try {
      const before = mine.held.get(keyOf(asked, asked.port));
      if (before) return before.first;
      return asked.port === 0 ? pick(mine, asked) : add(mine, { asked, first: asked.port });
    } finally {
      if (mine.held.size === 0) this.#owners.delete(owner);
    }
  }

  /** Releases ports; null: all. For a request with port 0, releases the last port picked for it. */
  release(owner: ActorAddress, ports: readonly HeldPorts[] | null): void {
    const mine = this.#owners.get(owner);
    if (!mine) return;
    const keys = ports ? ports.flatMap((one) => heldKey(mine.held, one) ?? []) : [...mine.held.keys()];
    const gone = keys.flatMap((key) => mine.held.get(key) ?? []);
    for (const key of keys) mine.held.delete(key);
    if (mine.held.size === 0) this.#owners.delete(owner);
    const atMs = performance.now();
    this.#released.push(...gone.map((held) => ({ ...held, atMs })));
    let first: unknown = null;
    for (const held of gone)
      for (const place of placesOf(held)) {
        try {
          settle(mine, place, held);
        } catch (error) {
          first ??= error;
        }
      }
    if (first) throw first;
  }

  #wasOurs({ protocol, port, range }: Hold): boolean {
    this.#released = this.#released.filter(({ atMs }) => performance.now() - atMs < inheritedMs);
    return this.#released.some(
      ({ asked, first }) => asked.protocol === protocol && first < port + range && port < first + asked.range,
    );
  }

  close(): void {
    for (const owner of [...this.#owners.keys()]) this.release(owner, null);
  }
}

function pick(mine: Holdings, asked: HeldPorts): number {
  let last: unknown = null;
  for (let attempt = 0; attempt < pickAttempts; attempt++) {
    const probe = native.holdPort(asked.protocol, asked.addresses[0] as string, 0);
    const { port } = probe;
    probe.close();
    if (port + asked.range > portCount) continue;
    try {
      return add(mine, { asked, first: port });
    } catch (error) {
      last = error;
    }
  }
  throw last ?? new SystemError('hold port', 'ERANGE', null);
}

/** Binds all of it, or nothing. */
function add(mine: Holdings, held: Held): number {
  const key = keyOf(held.asked, held.first);
  mine.held.set(key, held);
  try {
    for (const place of placesOf(held)) settle(mine, place, held);
  } catch (error) {
    mine.held.delete(key);
    for (const place of placesOf(held)) settle(mine, place, held);
    throw error;
  }
  return held.first;
}

function* placesOf({ asked: { protocol, addresses, range }, first }: Held): Generator<Place> {
  for (const family of new Set(addresses.map(familyOf)))
    for (let port = first; port < first + range; port++) yield { protocol, family, port };
}

/** Closes and binds until a port is bound as all holdings require. `changed`: what was added or removed. */
function settle({ held, bound }: Holdings, place: Place, changed: Held): void {
  const { protocol, port } = place;
  const slot = (address: string) => `${protocol} ${address} ${port}`;
  const wanted = addressesAt(held.values(), place);
  // first, because a port bound on one address blocks binding it on all
  for (const address of new Set([...held.values(), changed].flatMap(({ asked }) => asked.addresses))) {
    if (wanted.has(address) || familyOf(address) !== place.family) continue;
    bound.get(slot(address))?.close();
    bound.delete(slot(address));
  }
  for (const [address, isOptional] of wanted) {
    const one = bound.has(slot(address)) ? null : holdWherePresent(protocol, address, port, isOptional);
    if (one) bound.set(slot(address), one);
  }
}

/** Returns the addresses on which a port must be bound, and whether the family may be absent. */
function addressesAt(held: Iterable<Held>, { protocol, family, port }: Place): Map<string, boolean> {
  const addresses = new Map<string, boolean>();
  for (const { asked, first } of held) {
    if (asked.protocol !== protocol || port < first || port >= first + asked.range) continue;
    for (const address of asked.addresses) {
      if (familyOf(address) !== family) continue;
      const isOptional = asked.addresses.length > 1 && address === anyAddress[6];
      addresses.set(address, isOptional && (addresses.get(address) ?? true));
    }
  }
  const everywhere = addresses.get(anyAddress[family]);
  return everywhere === undefined ? addresses : new Map([[anyAddress[family], everywhere]]);
}

function keyOf({ protocol, addresses, range }: HeldPorts, first: number): string {
  return `${protocol} ${addresses.join(',')} ${first} ${range}`;
}

function heldKey(held: ReadonlyMap<string, Held>, wanted: HeldPorts): string | null {
  if (wanted.port !== 0) return keyOf(wanted, wanted.port);
  const key = keyOf(wanted, 0);
  const picked = [...held].findLast(([, { asked }]) => keyOf(asked, asked.port) === key);
  return picked ? picked[0] : null;
}

function holdWherePresent(
  protocol: HeldPorts['protocol'],
  address: string,
  port: number,
  optional: boolean,
): native.HeldPort | null {
  try {
    return native.holdPort(protocol, address, port);
  } catch (error) {
    const { errno } = error as native.SystemError;
    if (optional && absentFamily.has(errno)) return null;
    throw errno === 'EADDRINUSE' ? Object.assign(error as native.SystemError, { port }) : error;
  }
}
