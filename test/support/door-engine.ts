import { expect } from 'vitest';
import * as native from '#native';
import { type DoorResult, runDoor } from '../doors/door.ts';
import { untilAnswered } from './daemon.ts';
import type { Lab } from './lab.ts';

export interface NetworkInfo {
  name: string;
  driver: string;
  subnets?: { subnet: string; gateway?: string }[];
  [field: string]: unknown;
}

/** An engine's request for one network, as podman writes it. */
export interface Asked {
  static_ips?: string[];
  static_mac?: string;
  interface_name?: string;
  options?: Record<string, string>;
}

export interface DoorContainer {
  id: string;
  netns: string;
  input: Record<string, unknown>;
}

/** Defines a network as podman does. */
export function podmanNetwork(name: string, more: Partial<NetworkInfo> = {}): NetworkInfo {
  return {
    name,
    id: Buffer.from(name).toString('hex').padEnd(64, '0'),
    driver: 'bridge',
    network_interface: `pod-${name}`,
    created: '2026-01-01T00:00:00Z',
    ipv6_enabled: true,
    internal: false,
    dns_enabled: false,
    ipam_options: { driver: 'host-local' },
    ...more,
  };
}

/** An engine at the door: it brings networks and namespaces, and drops a namespace after its teardown. */
export class DoorEngine {
  readonly #pins: string[] = [];

  constructor(private readonly lab: Pick<Lab, 'directory' | 'daemon' | 'client'>) {}

  /** In the order of the networks, each with its request there. */
  container(name: string, ...networks: [NetworkInfo, Asked][]): DoorContainer {
    const netns = `${this.lab.directory.path}/${name}`;
    native.createNetns(netns).socket.close();
    this.#pins.push(netns);
    const asked = networks.map(([info, one], index) => [info.name, { interface_name: `eth${index}`, ...one }] as const);
    const id = Buffer.from(name).toString('hex').padEnd(64, '0');
    const network_info = Object.fromEntries(networks.map(([info]) => [info.name, info]));
    return {
      id,
      netns,
      input: { container_id: id, container_name: name, networks: Object.fromEntries(asked), network_info },
    };
  }

  /** `signal`: the engine dies, and the door with it. */
  call(verb: 'setup' | 'teardown', { netns, input }: DoorContainer, signal?: AbortSignal): Promise<DoorResult> {
    return runDoor([verb, netns], { env: { NETLOOM_RUN_DIR: this.lab.daemon.runDirectory }, input, signal });
  }

  /** Returns the status blocks; fails where the door refuses. */
  async setUp(container: DoorContainer): Promise<Record<string, { interfaces: Record<string, DoorInterface> }>> {
    const { code, stdout } = await this.call('setup', container);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    return JSON.parse(stdout);
  }

  /** Returns the door's message about a set-up that it refuses. */
  async refusal(container: DoorContainer): Promise<string> {
    const { code, stdout } = await this.call('setup', container);
    expect({ code, stdout }).toMatchObject({ code: 1 });
    return JSON.parse(stdout).error;
  }

  async tearDown(container: DoorContainer): Promise<void> {
    expect(await this.call('teardown', container)).toMatchObject({ code: 0 });
    native.removeNetns(container.netns);
  }

  /** Drops its namespaces; the networks that it brought went with their last containers. */
  async clear(): Promise<void> {
    for (const path of this.#pins.splice(0)) native.removeNetns(path);
    await untilAnswered(async () => {
      expect((await this.lab.client.container.list()).containers).toEqual([]);
      expect((await this.lab.client.network.list()).networks).toEqual([]);
    });
  }
}

interface DoorInterface {
  mac_address: string;
  subnets: { ipnet: string; gateway?: string }[];
}
