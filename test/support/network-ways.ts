import { execFileSync } from 'node:child_process';
import { expect } from 'vitest';
import type { ContainerStatus } from '../../src/contract/container-replies.ts';
import type { FirewallDrop } from '../../src/core/firewall/foreign/obstacles.ts';
import { ways } from '../../src/core/firewall/foreign/traffic.ts';
import type { Lab } from './lab.ts';
import { hostAddress, OtherHost, otherAddress } from './other-host.ts';
import type { Peer } from './peer.ts';

const families = [4, 6] as const;
const silenceMs = 300;
const patienceMs = 5_000;

/** All ways, as `outbound 4`. */
export const everyWay = families.flatMap((family) => ways.map((way) => `${way} ${family}`)).sort();

export const stoppedBy = (drops: readonly FirewallDrop[]): string[] =>
  drops.flatMap(({ stops }) => stops.map(({ way, family }) => `${way} ${family}`));

/** A network of both families, with two containers and a published port, and another host as source and destination. */
export class NetworkWays {
  private constructor(
    readonly otherHost: OtherHost,
    readonly bridge: string,
    readonly status: ContainerStatus,
    readonly outside: Peer,
    private readonly host: Peer,
    private readonly container: Peer,
    private readonly neighbour: Peer,
  ) {}

  static async open(lab: Lab): Promise<NetworkWays> {
    const otherHost = new OtherHost(lab.directory.path);
    for (const family of families)
      execFileSync('ip', [`-${family}`, 'route', 'add', 'default', 'via', otherAddress[family]]);
    const { definition } = await lab.client.network.create({ name: 'web', ipv6_enabled: true });
    const status = await lab.client.container.setup({
      id: 'srv',
      networks: [{ network: 'web' }],
      ports: [{ hostPort: 8080, containerPort: 80 }],
    });
    const near = await lab.client.container.setup({ id: 'near', networks: [{ network: 'web' }] });
    const outside = lab.peers.in(otherHost.netns, 'outside');
    const container = lab.peers.in(status.netns.path, 'srv');
    expect(await outside.serve('tcp', 90)).toBe('ready');
    expect(await container.serve('tcp', 80)).toBe('ready');
    const neighbour = lab.peers.in(near.netns.path, 'near');
    const bridge = definition.network_interface as string;
    return new NetworkWays(otherHost, bridge, status, outside, lab.peers.in(null, 'host'), container, neighbour);
  }

  /** Tests with real packets which ways are open. Waits long for a way that should be open, and a moment for one that should not. */
  async thatAreOpen(expected: readonly string[]): Promise<string[]> {
    const tried = families.flatMap((family): [string, (withinMs: number) => Promise<string> | string][] => [
      [`outbound ${family}`, (withinMs) => this.container.reach('tcp', otherAddress[family], 90, withinMs)],
      [`published ${family}`, (withinMs) => this.outside.reach('tcp', hostAddress[family], 8080, withinMs)],
      [`host ${family}`, (withinMs) => this.host.reach('tcp', this.addressOf(family), 80, withinMs)],
      [`neighbours ${family}`, (withinMs) => this.neighbour.reach('tcp', this.addressOf(family), 80, withinMs)],
      [`names ${family}`, (withinMs) => this.#resolved(family, withinMs)],
    ]);
    const answers = await Promise.all(
      tried.map(async ([way, ask]) => [way, await ask(expected.includes(way) ? patienceMs : silenceMs)] as const),
    );
    return answers
      .filter(([, answer]) => / sees |^10\./.test(answer))
      .map(([way]) => way)
      .sort();
  }

  addressOf(family: 4 | 6): string {
    const subnets = this.status.status.web?.interfaces.eth0?.subnets ?? [];
    return subnets[families.indexOf(family)]?.ipnet.split('/')[0] as string;
  }

  #resolved(family: 4 | 6, withinMs: number): string {
    const script = `
      const resolver = new (require('node:dns').promises.Resolver)({ timeout: ${withinMs}, tries: 1 });
      resolver.setServers([process.argv[1]]);
      resolver.resolve4('srv').then((found) => console.log(found[0]), (error) => console.log(error.code));`;
    const server = this.status.status.web?.dns_server_ips[families.indexOf(family)] as string;
    const args = [`--net=${this.status.netns.path}`, process.execPath, '-e', script, server];
    return execFileSync('nsenter', args, { encoding: 'utf8' }).trim();
  }
}
