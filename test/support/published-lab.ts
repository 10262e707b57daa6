import { expect } from 'vitest';
import * as native from '#native';
import type { RequestOf, ResponseOf } from '../../src/client.ts';
import { Lab } from './lab.ts';
import { hostAddress, OtherHost, secondAddress } from './other-host.ts';
import type { Peer, Transport } from './peer.ts';

export type Ports = RequestOf<'container.publish'>['ports'];

/** The origin of a container's ports: a request, or an engine that has bound them and keeps them. */
export type Bringer = 'setup' | 'attach';

/** The places where a published port may be asked. */
export const places = {
  'host 127.0.0.1': ['host', '127.0.0.1'],
  'host ::1': ['host', '::1'],
  'first IPv4': ['other', hostAddress[4]],
  'second IPv4': ['other', secondAddress[4]],
  'first IPv6': ['other', hostAddress[6]],
  'second IPv6': ['other', secondAddress[6]],
} as const;
export type Place = keyof typeof places;
/** The port of the container that is reached, by place. */
export type Reached = Partial<Record<Place, number>>;
const allPlaces = Object.keys(places) as Place[];
/** Where a port on every address is reached: the kernel never routes ::1. */
export const everywhere = {
  4: allPlaces.filter((place) => /IPv4|127/.test(place)),
  6: allPlaces.filter((place) => /IPv6/.test(place)),
} as const;

/** The maximum time of a refusal. */
const atOnceMs = 1_000;

/**
 * A host with networks of both families (`dual`), IPv4 (`four`) and IPv6 (`six`), and a machine beside it. Published ports lead to
 * ports 80, 81, 8000–8007 of a container, which answers with its name.
 */
export class PublishedLab {
  readonly peers: Record<'host' | 'other', Peer>;
  #namespaces = 0;

  private constructor(
    readonly lab: Lab,
    private readonly otherHost: OtherHost,
  ) {
    this.peers = { host: lab.peers.in(null, 'host'), other: lab.peers.in(otherHost.netns, 'other') };
  }

  static async open(): Promise<PublishedLab> {
    const lab = await Lab.open();
    const otherHost = new OtherHost(lab.directory.path);
    const create = (name: string, ...subnets: string[]) =>
      lab.client.network.create({ name, subnets: subnets.map((subnet) => ({ subnet })) });
    await create('dual', '10.81.0.0/24', 'fd00:81::/64');
    await create('four', '10.82.0.0/24');
    await create('six', 'fd00:83::/64');
    return new PublishedLab(lab, otherHost);
  }

  async close(): Promise<void> {
    await this.lab.peers.end();
    this.otherHost.remove();
    await this.lab.close();
  }

  /** Runs with a container that publishes these. */
  async with(
    how: Bringer,
    network: string,
    ports: Ports,
    test: (answer: ResponseOf<'container.setup'>) => Promise<unknown>,
    id = 'web',
  ): Promise<void> {
    const pin = `${this.lab.directory.path}/engine-${this.#namespaces++}`;
    if (how === 'attach') native.createNetns(pin).socket.close();
    try {
      const answer = await this.#bring(how, pin, { id, networks: [{ network }], ports });
      const peer = this.lab.peers.in(answer.netns?.path as string, id);
      try {
        for (const port of [80, 81, ...Array.from({ length: 8 }, (_, index) => 8000 + index)])
          for (const transport of ['tcp', 'udp'] as const) expect(await peer.serve(transport, port)).toBe('ready');
        await test(answer);
      } finally {
        await peer.end();
        await this.lab.remove(id);
      }
    } finally {
      if (how === 'attach') native.removeNetns(pin);
    }
  }

  #bring(how: Bringer, pin: string, request: { id: string; networks: { network: string }[]; ports: Ports }) {
    const { client } = this.lab;
    if (how === 'setup') return client.container.setup(request);
    const ports = request.ports.map((port) => ({ ...port, heldByCaller: true }));
    return client.container.attach({ ...request, mode: `ns:${pin}`, ports });
  }

  /**
   * Returns where it is reached, and which port of the container that is: `80`. Elsewhere it is refused at once; UDP may be silent where
   * the port is bound and leads to no container.
   */
  async reached(port: number, transport: Transport = 'tcp', id = 'web'): Promise<Reached> {
    return (await this.reachedOf(port, [id], transport))[id] as Reached;
  }

  /** Does the same for several containers that publish it. */
  async reachedOf(port: number, ids: string[], transport: Transport = 'tcp'): Promise<Record<string, Reached>> {
    const reached: Record<string, Reached> = Object.fromEntries(ids.map((id) => [id, {}]));
    const refused = transport === 'tcp' ? /^ECONNREFUSED$/ : /^(ECONNREFUSED|silence)$/;
    await Promise.all(
      allPlaces.map(async (place) => {
        const [peer, address] = places[place];
        const text = await this.peers[peer].reach(transport, address, port, atOnceMs);
        const [, id = '', inside] = /^(\w+):(\d+) sees /.exec(text) ?? [];
        if (!inside) expect(text, `${transport} ${port} at ${place}`).toMatch(refused);
        else (reached[id] as Reached)[place] = Number(inside);
      }),
    );
    return reached;
  }

  /** `port-unreachable` so far: the ports, as requested, and the reason. */
  leftOut(id = 'web'): [string | null, unknown][] {
    return this.lab.facts
      .all('container', 'port-unreachable')
      .filter(({ subject }) => subject === id)
      .map(({ data }) => [data.ports[0]?.hostIp ?? null, data.cause]);
  }
}

/** Expects that it leads to one port of the container at each of these. */
export const all = (where: readonly Place[], inside = 80): Reached =>
  Object.fromEntries(where.map((place) => [place, inside]));
