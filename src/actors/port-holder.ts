import * as native from '#native';
import type { Step } from '../core/plan/step.ts';

type Hold = Extract<Step, { verb: 'port.hold' }>;

/** How many picks of a free port are tried before a range, or a port free in both families, counts as not to be had. */
const pickAttempts = 64;
/** A family that this host does not have needs no holding. */
const absentFamily: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

/** The host ports that are really bound, by owner: a conflict shows at once, and nobody else takes them later. */
export class PortHolder {
  readonly #held = new Map<string, Map<string, { first: number; ports: native.HeldPort[] }>>();

  /** Binds range ports from `port` (0: picks them) on every address. Holding again what one holds is success. */
  hold({ owner, protocol, addresses, port, range }: Hold): number {
    const mine = this.#held.get(owner) ?? new Map();
    const key = `${protocol} ${addresses.join(',')} ${port} ${range}`;
    const before = mine.get(key);
    if (before) return before.first;
    const ports = port === 0 ? this.#pick(protocol, addresses, range) : bind(protocol, addresses, port, range);
    const first = port === 0 ? (ports[0] as native.HeldPort).port : port;
    // under the number that was picked: so that holding it again after a restart finds it
    mine.set(`${protocol} ${addresses.join(',')} ${first} ${range}`, { first, ports });
    this.#held.set(owner, mine);
    return first;
  }

  release(owner: string): void {
    for (const { ports } of this.#held.get(owner)?.values() ?? []) closeAll(ports);
    this.#held.delete(owner);
  }

  close(): void {
    for (const owner of [...this.#held.keys()]) this.release(owner);
  }

  #pick(protocol: Hold['protocol'], addresses: readonly string[], range: number): native.HeldPort[] {
    let last: unknown = null;
    for (let attempt = 0; attempt < pickAttempts; attempt++) {
      const probe = native.holdPort(protocol, addresses[0] as string, 0);
      const { port } = probe;
      probe.close();
      try {
        return bind(protocol, addresses, port, range);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }
}

function bind(
  protocol: Hold['protocol'],
  addresses: readonly string[],
  first: number,
  range: number,
): native.HeldPort[] {
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
  protocol: Hold['protocol'],
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
