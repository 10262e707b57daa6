import type { HeldPorts, PortSteps } from '../../../src/core/steps/port.ts';
import type { Step, StepOutput } from '../../../src/core/steps/step.ts';
import { type BoundPort, type FakeLinux, portsMeet } from '../fake-linux.ts';
import { type FakeVerbs, Refused } from './verb.ts';

interface Held extends HeldPorts {
  picked: boolean;
}

/** What of the ports of a FakeLinux one daemon has bound. */
export class FakePorts {
  readonly verbs: FakeVerbs<keyof PortSteps> = {
    'port.hold': { perform: (step) => this.#hold(step) },
    'port.release': { perform: ({ owner, ports }) => this.#release(owner, ports ?? null) },
  };
  readonly #held = new Map<string, Held[]>();
  /** by owner: the name under which it binds */
  readonly #holders = new Map<string, object>();

  constructor(private readonly linux: FakeLinux) {}

  close(): void {
    for (const owner of [...this.#held.keys()]) this.#release(owner, null);
  }

  #hold({ owner, protocol, addresses, port, range }: Step<'port.hold'>): StepOutput {
    this.#refuseGateway({ protocol, addresses, port, range });
    const mine = this.#held.get(owner) ?? [];
    const isSame = (held: Held) => held.port === port && nameOf(held) === nameOf({ protocol, addresses, range });
    if (port !== 0 && mine.some(isSame)) return { port };
    const first = port || this.linux.freePort({ protocol, addresses, range });
    const stranger = addresses.find((address) => !this.linux.isLocal(address));
    if (stranger) throw new Refused('hold port', 'EADDRNOTAVAIL', `${stranger} port ${first}`);
    const taken = this.#bind(owner, [...mine, { protocol, addresses, range, port: first, picked: port === 0 }]);
    if (taken) {
      this.#bind(owner, mine);
      throw new Refused('hold port', 'EADDRINUSE', `${taken.address} port ${taken.port} is taken`, taken.port);
    }
    return { port: first };
  }

  #refuseGateway({ protocol, addresses, port, range }: HeldPorts): void {
    const isNamePort = protocol !== 'sctp' && port > 0 && port <= 53 && port + range > 53;
    const resolvers = [...this.linux.elementsOf('resolver4'), ...this.linux.elementsOf('resolver6')];
    const gateway = isNamePort && addresses.find((address) => resolvers.some(({ key }) => key[0] === address));
    if (gateway) throw new Refused('hold port', 'EADDRINUSE', `port 53 of ${gateway} is where the resolver is asked`);
  }

  #release(owner: string, ports: readonly HeldPorts[] | null): void {
    let mine = this.#held.get(owner) ?? [];
    for (const wanted of ports ?? []) {
      const gone = mine.findLast(
        (held) => nameOf(held) === nameOf(wanted) && (wanted.port === 0 ? held.picked : held.port === wanted.port),
      );
      mine = mine.filter((held) => held !== gone);
    }
    this.#bind(owner, ports ? mine : []);
  }

  /** Replaces what an owner holds by this list; answers what another owner holds. */
  #bind(owner: string, held: readonly Held[]): BoundPort | null {
    const holder = this.#holders.get(owner) ?? {};
    this.#holders.set(owner, holder);
    this.linux.releaseAll(holder);
    if (held.length > 0) this.#held.set(owner, [...held]);
    else this.#held.delete(owner);
    const wanted = held.flatMap(({ protocol, addresses, port, range }) =>
      addresses.flatMap((address) =>
        Array.from({ length: range }, (_, offset) => ({ holder, protocol, address, port: port + offset })),
      ),
    );
    // a port held on every address, or twice, is bound once
    const bound: BoundPort[] = [];
    const isEverywhere = ({ address }: BoundPort) => address === '0.0.0.0' || address === '::';
    for (const one of wanted.sort((one, other) => Number(isEverywhere(other)) - Number(isEverywhere(one)))) {
      if (bound.some((other) => portsMeet(one, other))) continue;
      if (!this.linux.bind(one)) return one;
      bound.push(one);
    }
    return null;
  }
}

const nameOf = ({ protocol, addresses, range }: Omit<HeldPorts, 'port'>) => `${protocol} ${addresses.join()} ${range}`;
