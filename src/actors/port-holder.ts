import { setTimeout as delay } from 'node:timers/promises';
import * as native from '#native';
import type { HeldPorts, Step } from '../core/plan/step.ts';

type Hold = Extract<Step, { verb: 'port.hold' }>;

/** Ports that were bound together; `first` is what was picked where 0 was asked for. */
interface Held {
  asked: HeldPorts;
  first: number;
  ports: native.HeldPort[];
}

/** How many picks of a free port are tried before a range, or a port free in both families, counts as not to be had. */
const pickAttempts = 64;
/**
 * A process that is just being made has what its parent had open until it runs its own program, so also a port that was let
 * go meanwhile. A port that we let go this lately is asked for again, this often.
 */
const inheritedMs = 1_000;
const retryMs = 2;
/** A family that this host does not have needs no holding. */
const absentFamily: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

/** The host ports that are really bound, by owner: a conflict shows at once, and nobody else takes them later. */
export class PortHolder {
  readonly #held = new Map<string, Map<string, Held>>();
  /** when which ports were let go (`performance.now()`), oldest first */
  #released: { asked: HeldPorts; first: number; atMs: number }[] = [];

  /** Binds range ports from `port` (0: picks them) on every address. Holding again what one holds is success. */
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
    const mine = this.#held.get(owner) ?? new Map<string, Held>();
    const before = mine.get(keyOf(asked, asked.port));
    if (before) return before.first;
    const ports = asked.port === 0 ? this.#pick(asked) : bind(asked, asked.port);
    const first = asked.port === 0 ? (ports[0] as native.HeldPort).port : asked.port;
    // under the number that was picked: so that holding it again after a restart finds it
    mine.set(keyOf(asked, first), { asked, first, ports });
    this.#held.set(owner, mine);
    return first;
  }

  /** ports: null for all. Where 0 was asked for, the last that was picked for that question goes. */
  release(owner: string, ports: readonly HeldPorts[] | null): void {
    const mine = this.#held.get(owner);
    if (!mine) return;
    const keys = ports ? ports.flatMap((one) => heldKey(mine, one) ?? []) : [...mine.keys()];
    for (const key of keys) {
      const held = mine.get(key);
      closeAll(held?.ports ?? []);
      mine.delete(key);
      if (held) this.#released.push({ asked: held.asked, first: held.first, atMs: performance.now() });
    }
    if (mine.size === 0) this.#held.delete(owner);
  }

  #wasOurs({ protocol, port, range }: Hold): boolean {
    this.#released = this.#released.filter(({ atMs }) => performance.now() - atMs < inheritedMs);
    return this.#released.some(
      ({ asked, first }) => asked.protocol === protocol && first < port + range && port < first + asked.range,
    );
  }

  close(): void {
    for (const owner of [...this.#held.keys()]) this.release(owner, null);
  }

  #pick(asked: HeldPorts): native.HeldPort[] {
    let last: unknown = null;
    for (let attempt = 0; attempt < pickAttempts; attempt++) {
      const probe = native.holdPort(asked.protocol, asked.addresses[0] as string, 0);
      const { port } = probe;
      probe.close();
      try {
        return bind(asked, port);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }
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

function bind({ protocol, addresses, range }: HeldPorts, first: number): native.HeldPort[] {
  const ports: native.HeldPort[] = [];
  try {
    for (const address of addresses)
      for (let port = first; port < first + range; port++) {
        const held = holdWherePresent(protocol, address, port, addresses.length > 1 && address === '::');
        if (held) ports.push(held);
      }
    return ports;
  } catch (error) {
    closeAll(ports);
    throw error;
  }
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
    if (optional && absentFamily.has((error as native.SystemError).errno)) return null;
    throw error;
  }
}

function closeAll(ports: readonly native.HeldPort[]): void {
  for (const port of ports) port.close();
}
