import type { ActorAddress } from '../../../src/core/actor-address.ts';
import type { ActorEvent } from '../../../src/core/actor-event.ts';
import type { DhcpSteps } from '../../../src/core/steps/dhcp.ts';
import type { Step } from '../../../src/core/steps/step.ts';
import type { FakeLinux } from '../fake-linux.ts';
import type { FakeVerbs } from './verb.ts';

/** A server gives every client an address for ever, or there is no server. */
export class FakeDhcp {
  readonly verbs: FakeVerbs<keyof DhcpSteps> = {
    'dhcp.ask': { perform: (step) => this.#ask(step) },
    'dhcp.keep': { perform: (step) => this.#keep(step) },
    'dhcp.release': {
      perform: ({ owner, place, lease }) => {
        this.#stop(owner);
        if (lease) this.linux.dhcpLeases.delete(place.macAddress);
      },
    },
    'dhcp.stop': { perform: ({ owner }) => this.#stop(owner) },
  };
  readonly #clients = new Map<ActorAddress, { stop(): void }>();

  constructor(
    private readonly linux: FakeLinux,
    private readonly tell: (to: ActorAddress, event: ActorEvent) => void,
  ) {}

  close(): void {
    for (const owner of [...this.#clients.keys()]) this.#stop(owner);
  }

  #ask({ owner, place, question, withinMs }: Step<'dhcp.ask'>): void {
    this.#stop(owner);
    if (this.linux.servesDhcp) {
      const answer = setImmediate(() => {
        const terms = this.linux.leaseByDhcp(place.macAddress, question.kind !== 'discover');
        const type = question.kind === 'discover' ? 'dhcp.offered' : 'dhcp.acknowledged';
        this.tell(owner, { type, terms });
      });
      this.#clients.set(owner, { stop: () => clearImmediate(answer) });
    } else if (withinMs !== null) {
      const timer = setTimeout(() => this.tell(owner, { type: 'dhcp.timeout', detail: null }), withinMs);
      this.#clients.set(owner, { stop: () => clearTimeout(timer) });
    }
  }

  #keep({ owner, times }: Step<'dhcp.keep'>): void {
    const dates = times
      ? ([
          ['dhcp.t1', times.renewAt],
          ['dhcp.t2', times.rebindAt],
          ['dhcp.expired', times.expiresAt],
        ] as const)
      : [];
    const alarms = dates.map(([type, at]) => setTimeout(() => this.tell(owner, { type }), at - Date.now()));
    const before = this.#clients.get(owner);
    this.#clients.set(owner, {
      stop: () => {
        before?.stop();
        for (const alarm of alarms) clearTimeout(alarm);
      },
    });
  }

  #stop(owner: ActorAddress): void {
    this.#clients.get(owner)?.stop();
    this.#clients.delete(owner);
  }
}
