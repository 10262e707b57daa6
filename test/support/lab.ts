import { readdirSync } from 'node:fs';
import { expect } from 'vitest';
import * as native from '#native';
import { type FaultCode, type NetloomClient, NetloomError } from '../../src/client.ts';
import type { Fault } from '../../src/core/fault.ts';
import { leavingStates } from '../../src/core/view.ts';
import { inventory, nothing, processesOf, TestDaemon, untilAnswered } from './daemon.ts';
import { Facts } from './facts.ts';
import { becomeFreshHost, temporaryDirectory } from './fresh-host.ts';
import { ipBatch } from './other-host.ts';
import { Peers } from './peer.ts';

/** A test file's own host, with the real daemon on it, a client, what that is told, and who makes the traffic. */
export class Lab {
  readonly peers = new Peers();
  client!: NetloomClient;
  facts!: Facts;

  private constructor(
    readonly directory: { path: string; remove(): void },
    readonly daemon: TestDaemon,
  ) {}

  /** `flags`: more of the daemon's; `directory`: where it keeps what it keeps. */
  static async open(flags: string[] = [], directory = temporaryDirectory()): Promise<Lab> {
    await becomeFreshHost();
    const lab = new Lab(directory, new TestDaemon(directory.path, undefined, flags));
    await lab.start();
    return lab;
  }

  /** Also after the daemon was ended: whoever asks it or is told of it is new then. */
  async start(): Promise<void> {
    this.client = await this.daemon.start();
    this.facts = new Facts(this.client);
  }

  /** SIGKILL, or SIGTERM. Until the next start nobody can be asked, and the facts are those that were told. */
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

  /** Removes a container, whatever runs in it, and waits until nobody has anything of it any more. */
  async remove(id: string): Promise<void> {
    await this.client.container.remove({ id, force: true });
    await this.settled();
  }

  /** Takes its network down, whatever runs in it, and waits until the kernel has told that its links are gone. */
  async tearDown(id: string): Promise<void> {
    await this.client.container.teardown({ id, force: true });
    await untilAnswered(async () => {
      const { container } = await this.client.container.inspect({ id });
      if (container.state !== 'created') throw new Error(`${id} is ${container.state}`);
    });
  }

  /** A teardown is answered before the links and what guards them have gone, and networks hear of it later still. */
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

  /** Removes every container and every network by the front door. */
  async empty(): Promise<void> {
    const { containers } = await this.client.container.list();
    await Promise.all(containers.map(({ id }) => orGone(this.remove(id), 'container.unknown')));
    // one that an engine brought goes by itself with its last container, and cannot be removed meanwhile
    await untilAnswered(async () => {
      const { networks } = await this.client.network.list();
      for (const { name } of networks) await this.client.network.remove({ name });
    });
  }

  /** The same, and sees that nothing is left of them. `own`: links that the test made and needs further. */
  async clear(own: readonly string[] = []): Promise<void> {
    await this.empty();
    const { links, ...rest } = inventory(this.daemon);
    expect({ ...rest, links: links.filter((name) => !own.includes(name)), processes: [] }).toEqual(nothing);
  }

  /**
   * Removes everything by the front door, and sees that nothing is left; then all that is left goes, whatever it was.
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

/** What an engine brought may end by itself after it was listed: with its namespace, or with its last container. */
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

/** The fault that a request is answered with; fails when it is not refused. */
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
