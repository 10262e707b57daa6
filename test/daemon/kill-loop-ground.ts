import * as native from '#native';
import type { CommandName } from '../../src/client.ts';
import { untilAnswered } from '../support/daemon.ts';
import { type DoorContainer, DoorEngine, type NetworkInfo, podmanNetwork } from '../support/door-engine.ts';
import { type Facts, factsOf, goneContainer, goneNetwork, type Scope } from './kill-loop-facts.ts';
import { type Heard, heardNothing, type KillHost } from './kill-loop-host.ts';

const networksEach = 5;
const portsEach = 2;

/** The containers, networks, subnets and ports of one trial: no other trial has the same. */
export class Ground {
  readonly scope: Scope & { ports: number[] } = { containers: {}, networks: {}, ports: [] };
  readonly name: string;
  readonly ports: number[];
  readonly #engine: DoorEngine;
  readonly #pins: string[] = [];
  #subnets = 0;

  constructor(
    readonly host: KillHost,
    private readonly serial: number,
    readonly random: () => number,
  ) {
    this.name = `t${serial}`;
    this.ports = Array.from({ length: portsEach }, (_, index) => 20_000 + portsEach * serial + index);
    this.#engine = new DoorEngine(host);
  }

  // -------------------------------------------------------------------------------------------------------- networks

  /** Networks with definition files, as `network create` makes them. */
  async filed(count: number): Promise<NetworkInfo[]> {
    const made: NetworkInfo[] = [];
    for (let index = 0; index < count; index++) {
      const { name, subnets } = this.#networkWish();
      const { definition } = await this.host.client.network.create({ name, subnets });
      this.scope.networks[name] = definition.network_interface as string;
      made.push({ ...definition, subnets: definition.subnets } as NetworkInfo);
    }
    return made;
  }

  /** Networks that only their engine knows. */
  brought(count: number): NetworkInfo[] {
    return Array.from({ length: count }, () => this.#bring(this.#networkWish()));
  }

  /** A network that only its engine knows, with the subnets of another one. */
  inPlaceOf({ subnets }: NetworkInfo): NetworkInfo {
    return this.#bring({ ...this.#networkWish(), subnets });
  }

  #bring({ name, subnets }: Pick<NetworkInfo, 'name' | 'subnets'>): NetworkInfo {
    const info = podmanNetwork(name, { subnets, ipv6_enabled: false });
    this.scope.networks[name] = info.network_interface as string;
    return info;
  }

  /** One or the other. */
  async either(count: number): Promise<NetworkInfo[]> {
    return this.random() < 0.5 ? this.filed(count) : this.brought(count);
  }

  /** Filed networks whose bridges are there, though no container is. */
  async raised(count: number): Promise<NetworkInfo[]> {
    const networks = await this.filed(count);
    const id = `${this.name}-first`;
    await this.setUp(id, networks);
    await this.host.client.container.remove({ id });
    // its removal is answered first, and between its teardown and its end it is at rest for a moment
    await untilAnswered(async () => {
      const { containers } = await this.host.settled();
      if (containers.some((one) => one.id === id)) throw new Error(`${id} is still known`);
    });
    return networks;
  }

  #networkWish(): { name: string; subnets: { subnet: string; gateway: string }[] } {
    const index = this.serial * networksEach + this.#subnets;
    const letter = String.fromCharCode('a'.charCodeAt(0) + this.#subnets++);
    const base = `10.${100 + (index >> 8)}.${index & 255}`;
    return { name: `${this.name}${letter}`, subnets: [{ subnet: `${base}.0/24`, gateway: `${base}.1` }] };
  }

  // ------------------------------------------------------------------------------------------------------ containers

  /** A container of netloom's own, up on these networks. */
  async setUp(id: string, networks: readonly NetworkInfo[], ports: readonly number[] = []): Promise<string> {
    this.watch(id);
    await this.host.client.container.setup({ id, networks: namesOf(networks), ports: mappings(ports) });
    return id;
  }

  /** The same, with a process in it. */
  async run(id: string, networks: readonly NetworkInfo[], ports: readonly number[] = []): Promise<string> {
    await this.setUp(id, networks, ports);
    const { pid } = await this.host.sleepers.start(this.scope.containers[id]?.netns);
    await this.host.client.container.started({ id, pid });
    return id;
  }

  /** The facts of this container count from now on. */
  watch(id: string, netns = `${this.host.daemon.netnsDirectory}/netloom-${id}`): void {
    this.scope.containers[id] = { netns };
  }

  /** A container of an engine at the door. `called`: its name, where another container of the engine has had it. */
  doorContainer(
    key: string,
    networks: readonly NetworkInfo[],
    ports: readonly number[] = [],
    called = key,
  ): DoorContainer {
    const asked = networks.map((info) => [info, { static_ips: [staticIp(info)] }] as [NetworkInfo, object]);
    const container = this.#engine.container(key, ...asked);
    this.#pins.push(container.netns);
    this.watch(container.id, container.netns);
    this.scope.ports.push(...ports);
    const port_mappings = ports.map((port) => ({
      container_port: 80,
      host_port: port,
      host_ip: '',
      protocol: 'tcp',
      range: 1,
    }));
    return { ...container, input: { ...container.input, container_name: called, port_mappings } };
  }

  // -------------------------------------------------------------------------------------------------------- commands

  async say(verb: 'setup' | 'teardown', container: DoorContainer, signal?: AbortSignal): Promise<Heard> {
    try {
      const { code, stdout } = await this.#engine.call(verb, container, signal);
      return { how: code === 0 ? 'done' : 'failed', said: stdout };
    } catch (error) {
      if (signal?.aborted) return heardNothing;
      throw error;
    }
  }

  /** A command of a client; at times with a message id, under which it can be repeated. */
  command(name: CommandName, request: Parameters<KillHost['ask']>[1]): Asking {
    const msgId = this.random() < 0.6 ? `${this.name}-${name}` : undefined;
    const act = () => this.host.ask(name, request, msgId === undefined ? {} : { msgId });
    return msgId === undefined ? { act } : { act, again: act };
  }

  async facts(): Promise<Facts> {
    return factsOf(this.host, await this.host.settled(), this.scope);
  }

  // ------------------------------------------------------------------------------------------------------- the end

  /** Removes everything by the front door; fails when something stays. */
  async leave(): Promise<void> {
    const { client } = this.host;
    for (const id of Object.keys(this.scope.containers)) await orUnknown(client.container.remove({ id, force: true }));
    await this.host.settled();
    for (const name of Object.keys(this.scope.networks))
      await untilAnswered(() => orUnknown(client.network.remove({ name })), 3_000);
    const isGone = async () => {
      const { containers, networks } = await this.facts();
      const left = [...Object.entries(containers), ...Object.entries(networks)].filter(
        ([, facts]) => facts.state !== 'gone' || !isGoneWholly(facts),
      );
      if (left.length > 0) throw new Error(`left: ${JSON.stringify(left)}`);
    };
    await untilAnswered(isGone, 3_000);
    for (const path of this.#pins) native.removeNetns(path);
  }
}

export interface Asking {
  act: () => Promise<Heard>;
  again?: () => Promise<Heard>;
}

const isGoneWholly = (facts: object): boolean =>
  [goneContainer, goneNetwork].some((gone) => JSON.stringify(gone) === JSON.stringify(facts));

async function orUnknown(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== 'container.unknown' && code !== 'network.unknown') throw error;
  }
}

export const namesOf = (networks: readonly NetworkInfo[]): { network: string }[] =>
  networks.map(({ name }) => ({ network: name }));

export const mappings = (ports: readonly number[]) =>
  ports.map((hostPort) => ({ hostPort, containerPort: 80, protocol: 'tcp' as const }));

/** The tenth address of its subnet: engines choose addresses themselves. */
function staticIp({ subnets = [] }: NetworkInfo): string {
  return (subnets[0]?.subnet ?? '').replace(/0\/24$/, '10');
}

/** The same container, of whose networks only these are named. */
export function partOf(container: DoorContainer, networks: readonly NetworkInfo[]): DoorContainer {
  const asked = container.input.networks as Record<string, unknown>;
  const picked = (from: Record<string, unknown>) => Object.fromEntries(networks.map(({ name }) => [name, from[name]]));
  const network_info = picked(container.input.network_info as Record<string, unknown>);
  return { ...container, input: { ...container.input, networks: picked(asked), network_info } };
}
