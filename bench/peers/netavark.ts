import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { temporaryDirectory } from '../../test/support/fresh-host.ts';
import { bridgeName, containerAt, gateway, subnet } from './container.ts';
import { NetnsPins } from './netns-pins.ts';
import type { Peer } from './peer.ts';
import { built, findIn, missingPrograms } from './programs.ts';
import { missingStopwatch, Stopwatch } from './stopwatch.ts';

const helperDirectories = [
  '/usr/local/libexec/podman',
  '/usr/local/lib/podman',
  '/usr/libexec/podman',
  '/usr/lib/podman',
];
const network = 'bench';
/** Index of the container that always exists. */
const keeper = 1_999;

export type FirewallDriver = 'iptables' | 'nftables';

/** Another netavark for the nftables driver: a command, its words separated by spaces. */
export const netavarkVariable = 'NETLOOM_BENCH_NETAVARK';

/** podman's own: a process per command, which configures a namespace that podman has made. */
export class NetavarkPeer implements Peer {
  readonly name: string;
  #host: NetavarkHost | null = null;

  constructor(
    private readonly driver: FirewallDriver,
    private readonly dns: boolean,
  ) {
    this.name = `netavark (${driver})${dns ? ' with DNS' : ''}`;
  }

  missing(): string | null {
    const command = netavarkCommand(this.driver);
    if (!command) return 'netavark (package netavark)';
    if (this.dns && !aardvark()) return 'aardvark-dns (package aardvark-dns)';
    if (this.driver === 'iptables') return missingPrograms({ iptables: 'iptables' }) ?? missingStopwatch();
    const version = netavarkVersion(command);
    const isNewEnough = version !== null && isAtLeast(version, firstWithNftables);
    const tooOld = `netavark 1.10 or newer (here it is ${version ?? 'of no version'}; ${netavarkVariable} names another)`;
    return isNewEnough ? (missingPrograms({ nft: 'nftables' }) ?? missingStopwatch()) : tooOld;
  }

  async open(): Promise<void> {
    this.#host = new NetavarkHost(netavarkCommand(this.driver) as string[], this.dns ? aardvark() : null, {
      NETAVARK_FW: this.driver,
    });
    this.#host.open();
  }

  async setup(index: number): Promise<number> {
    return this.#opened().setup(index);
  }

  async teardown(index: number): Promise<number> {
    return this.#opened().teardown(index);
  }

  #opened(): NetavarkHost {
    if (!this.#host) throw new Error('netavark is not open');
    return this.#host;
  }
}

/** Calls an executable that speaks netavark's protocol, as podman does. Its files go with the host that it runs on. */
export class NetavarkHost {
  readonly #directory = temporaryDirectory().path;
  readonly #pins = new NetnsPins(`${this.#directory}/netns`);
  readonly #stopwatch = new Stopwatch();

  constructor(
    private readonly command: readonly string[],
    private readonly aardvark: string | null,
    private readonly env: Record<string, string>,
  ) {
    mkdirSync(this.#configDirectory);
  }

  /** One container stays: what the first container of a network creates, and the last one removes, is not measured. */
  open(): void {
    this.setup(keeper);
  }

  /** The namespace exists when the clock starts, as it does when podman calls. */
  setup(index: number): number {
    return this.#call('setup', index, this.#pins.make(index));
  }

  /** The namespace goes after the clock has stopped, as it does with podman. */
  teardown(index: number): number {
    const tookMs = this.#call('teardown', index, this.#pins.pathOf(index));
    this.#pins.remove(index);
    return tookMs;
  }

  get #configDirectory(): string {
    return `${this.#directory}/networks`;
  }

  #call(verb: 'setup' | 'teardown', index: number, netnsPath: string): number {
    const options = ['--config', this.#configDirectory, '--rootless=false', `--aardvark-binary=${this.aardvark ?? ''}`];
    const { ms } = this.#stopwatch.run({
      command: [...this.command, ...options, verb, netnsPath],
      stdin: JSON.stringify(networkOptions(index, this.aardvark !== null)),
      env: { RUST_LOG: 'netavark=warn', ...this.env },
    });
    return ms;
  }
}

/** podman 4's and 5's input for netavark. */
export function networkOptions(index: number, dns: boolean) {
  const { id, name, address, ports } = containerAt(index);
  return {
    container_id: id,
    container_name: name,
    port_mappings: ports.map(({ hostPort, containerPort }) => ({
      host_ip: '',
      container_port: containerPort,
      host_port: hostPort,
      range: 1,
      protocol: 'tcp',
    })),
    networks: { [network]: { static_ips: [address], aliases: [id.slice(0, 12)], interface_name: 'eth0' } },
    network_info: { [network]: definition(dns) },
  };
}

function definition(dns: boolean) {
  return {
    name: network,
    id: createHash('sha256').update(network).digest('hex'),
    driver: 'bridge',
    network_interface: bridgeName,
    created: '2026-01-01T00:00:00Z',
    subnets: [{ subnet, gateway }],
    ipv6_enabled: false,
    internal: false,
    dns_enabled: dns,
    ipam_options: { driver: 'host-local' },
  };
}

/** For iptables the installed one; for nftables the one that bench/newer-netavark.sh has fetched, if there is one. */
export function netavarkCommand(driver: FirewallDriver): string[] | null {
  const newer = driver === 'nftables' ? wordsIn(process.env[netavarkVariable] ?? fetchedCommand()) : [];
  if (newer.length > 0) return newer;
  const path = findIn(helperDirectories, 'netavark');
  return path === null ? null : [path];
}

const wordsIn = (command: string): string[] => command.split(/\s+/).filter(Boolean);

function fetchedCommand(): string {
  const file = built('bench/netavark/command');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

const aardvark = (): string | null => findIn(helperDirectories, 'aardvark-dns');

/** `netavark 1.4.0` → `1.4.0`; null when it does not answer. */
export function netavarkVersion([file, ...args]: readonly string[]): string | null {
  try {
    const text = execFileSync(file as string, [...args, '--version'], { encoding: 'utf8' });
    return /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? null;
  } catch {
    return null;
  }
}

const firstWithNftables = [1, 10] as const;

export function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ofMajor = 0, ofMinor = 0] = version.split('.').map(Number);
  return ofMajor > major || (ofMajor === major && ofMinor >= minor);
}
