import { readdirSync } from 'node:fs';
import { expect } from 'vitest';
import * as native from '#native';
import { type FaultCode, type NetloomClient, NetloomError } from '../../src/client.ts';
import type { Fault } from '../../src/core/fault.ts';
import type { ContainerState } from '../../src/core/view.ts';
import { inventory, nothing, processesOf, TestDaemon, untilAnswered } from './daemon.ts';
import { Facts } from './facts.ts';
import { becomeFreshHost, temporaryDirectory } from './fresh-host.ts';
import { ipBatch } from './other-host.ts';
import { Peers } from './peer.ts';

/** States after its end has begun; the caller may already have its answer. */
const leavingStates: readonly ContainerState[] = ['unconfiguring', 'unlinking'];

/** A test file's own host: the real daemon on it, a client, the events that it receives, and peers that make the traffic. */
export class Lab {
  readonly peers = new Peers();
  client!: NetloomClient;
  facts!: Facts;

  private constructor(
    readonly directory: { path: string; remove(): void },
    readonly daemon: TestDaemon,
  ) {}

  /** `flags`: more of the daemon's; `directory`: where it stores its files. */
  static async open(flags: string[] = [], directory = temporaryDirectory()): Promise<Lab> {
    await becomeFreshHost();
    const lab = new Lab(directory, new TestDaemon(directory.path, undefined, flags));
    try {
      await lab.start();
    } catch (error) {
      // the test has no lab then that it could close
      await lab.daemon.destroy();
      directory.remove();
      throw error;
    }
    return lab;
  }

  /** Usable after the daemon was ended, too: it gets a new client and new facts. */
  async start(): Promise<void> {
    this.client = await this.daemon.start();
    this.facts = new Facts(this.client);
  }

  /** Sends SIGKILL or SIGTERM. Until the next start no request is answered, and the facts are those received so far. */
  async end(how: 'kill' | 'stop'): Promise<void> {
    await this.facts.close();
    await this.client.close();
    await this.daemon[how]();
  }

  /** Ends the daemon, does something meanwhile, and starts it again. */
  async restart(how: 'kill' | 'stop', meanwhile: () => unknown = () => {}): Promise<void> {
    await this.end(how);
    await meanwhile();
    await this.start();
  }

  /** Removes a container, whatever runs in it, and waits until nothing holds anything of it. */
  async remove(id: string): Promise<void> {
    await this.client.container.remove({ id, force: true });
    await this.settled();
  }

  /** Takes its network down, whatever runs in it, and waits until the kernel reports that its links are gone. */
  async tearDown(id: string): Promise<void> {
    await this.client.container.teardown({ id, force: true });
    await untilAnswered(async () => {
      const { container } = await this.client.container.inspect({ id });
      if (container.state !== 'created') throw new Error(`${id} is ${container.state}`);
    });
  }

  /** A teardown is answered before its links and their guards have gone, and networks learn of it even later. */
  async settled(): Promise<void> {
    await untilAnswered(async () => {
      const { containers } = await this.client.container.list();
      const leaving = containers.filter(({ state }) => leavingStates.includes(state)).map(({ id }) => id);
      if (leaving.length > 0) throw new Error(`${leaving} still have links`);
      const up = containers.filter(({ netns }) => netns !== null).map(({ id }) => id);
      const { networks } = await this.client.network.list();
      const holders = networks.flatMap(({ leases }) => Object.keys(leases));
      const late = holders.filter((id) => !up.includes(id));
      if (late.length > 0) throw new Error(`${late} still have addresses`);
    });
  }

  /** Removes every container and every network by commands. */
  async empty(): Promise<void> {
    const { containers } = await this.client.container.list();
    await Promise.all(containers.map(({ id }) => orGone(this.remove(id), 'container.unknown')));
    // a network of an engine goes by itself with its last container, and cannot be removed meanwhile
    await untilAnswered(async () => {
      const { networks } = await this.client.network.list();
      for (const { name } of networks) await this.client.network.remove({ name });
    });
  }

  /** Does the same, and checks that nothing is left of them. `own`: links that the test made and still needs. */
  async clear(own: readonly string[] = []): Promise<void> {
    await this.empty();
    const { links, ...rest } = inventory(this.daemon);
    expect({ ...rest, links: links.filter((name) => !own.includes(name)), processes: [] }).toEqual(nothing);
  }

  /**
   * Removes everything by commands, and checks that nothing is left; then removes every remainder, whatever it is.
   * `own`: links that the test made, which go with the containers.
   */
  async close(own: readonly string[] = []): Promise<void> {
    try {
      await this.peers.end();
      try {
        await this.empty();
      } finally {
        for (const name of own) ipBatch(null, [`link delete ${name}`]);
      }
      await this.clear();
      await this.end('stop');
      expect(processesOf(this.daemon)).toEqual([]);
    } finally {
      await this.daemon.destroy();
      this.#unpin();
      this.directory.remove();
    }
  }

  #unpin(): void {
    for (const directory of [this.directory.path, this.daemon.netnsDirectory])
      for (const name of entriesOf(directory))
        if (native.netnsIdentity(`${directory}/${name}`)) native.removeNetns(`${directory}/${name}`);
  }
}

/** A container or network of an engine may end by itself after it was listed: with its namespace, or with its last container. */
async function orGone(removal: Promise<unknown>, gone: FaultCode): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!(error instanceof NetloomError && error.fault.code === gone)) throw error;
  }
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Returns the fault with which a request is refused; fails when it is not refused. */
export async function refusal(request: Promise<unknown>): Promise<Fault> {
  try {
    await request;
  } catch (error) {
    if (error instanceof NetloomError) return error.fault;
    throw error;
  }
  throw new Error('it was not refused');
}

export async function codeOf(request: Promise<unknown>): Promise<FaultCode> {
  return (await refusal(request)).code;
}
