import { temporaryDirectory } from '../../test/support/fresh-host.ts';
import { bridgeName, containerAt, subnet } from './container.ts';
import { NetnsPins } from './netns-pins.ts';
import type { Peer } from './peer.ts';
import { findIn, missingPrograms } from './programs.ts';
import { missingStopwatch, Stopwatch } from './stopwatch.ts';

const pluginDirectories = ['/opt/cni/bin', '/usr/lib/cni'];
const cniVersion = '1.0.0';

interface Site {
  directory: string;
  pins: NetnsPins;
  stopwatch: Stopwatch;
}

type Plugin = { type: string; capabilities?: Record<string, boolean> } & Record<string, unknown>;

/**
 * The chain that engines configure for a bridge network (bridge with host-local, portmap, firewall), its plugins executed
 * as libcni does: one process after another, each with the result of the one before it; in reverse order to delete.
 * The time is that of the processes; libcni's own work between them is not in it.
 */
export class CniPeer implements Peer {
  readonly name = 'CNI chain';
  #site: Site | null = null;
  /** ADD's result, stored by libcni for DEL */
  readonly #results = new Map<number, unknown>();

  missing(): string | null {
    const plugins = ['bridge', 'host-local', 'portmap', 'firewall'];
    const absent = plugins.filter((plugin) => findIn(pluginDirectories, plugin) === null);
    if (absent.length > 0) return `CNI plugins ${absent.join(', ')} (package containernetworking-plugins)`;
    return missingPrograms({ iptables: 'iptables' }) ?? missingStopwatch();
  }

  /** The first ADD makes the bridge: one container comes and goes. */
  async open(): Promise<void> {
    const directory = temporaryDirectory().path;
    this.#site = { directory, pins: new NetnsPins(`${directory}/netns`), stopwatch: new Stopwatch() };
    await this.setup(0);
    await this.teardown(0);
  }

  async setup(index: number): Promise<number> {
    this.#opened().pins.make(index);
    let tookMs = 0;
    let result: unknown;
    for (const plugin of this.#chain()) {
      const { ms, text } = this.#call('ADD', plugin, index, result);
      tookMs += ms;
      result = JSON.parse(text);
    }
    this.#results.set(index, result);
    return tookMs;
  }

  async teardown(index: number): Promise<number> {
    const result = this.#results.get(index);
    let tookMs = 0;
    for (const plugin of this.#chain().toReversed()) tookMs += this.#call('DEL', plugin, index, result).ms;
    this.#results.delete(index);
    this.#opened().pins.remove(index);
    return tookMs;
  }

  #opened(): Site {
    if (!this.#site) throw new Error('the CNI chain is not open');
    return this.#site;
  }

  #chain(): Plugin[] {
    const ipam = {
      type: 'host-local',
      ranges: [[{ subnet }]],
      routes: [{ dst: '0.0.0.0/0' }],
      dataDir: `${this.#opened().directory}/host-local`,
    };
    return [
      { type: 'bridge', bridge: bridgeName, isGateway: true, ipMasq: true, hairpinMode: true, ipam },
      { type: 'portmap', capabilities: { portMappings: true } },
      { type: 'firewall' },
    ];
  }

  #call(command: 'ADD' | 'DEL', { capabilities, ...plugin }: Plugin, index: number, prevResult: unknown) {
    const { id, ports } = containerAt(index);
    const portMappings = ports.map((port) => ({ ...port, protocol: 'tcp', hostIP: '' }));
    const runtimeConfig = capabilities?.portMappings ? { runtimeConfig: { portMappings } } : {};
    return this.#opened().stopwatch.run({
      command: [findIn(pluginDirectories, plugin.type) as string],
      stdin: JSON.stringify({
        cniVersion,
        name: 'bench',
        ...plugin,
        ...runtimeConfig,
        ...(prevResult ? { prevResult } : {}),
      }),
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: id,
        CNI_NETNS: this.#opened().pins.pathOf(index),
        CNI_IFNAME: 'eth0',
        CNI_PATH: pluginDirectories.join(':'),
      },
    });
  }
}
