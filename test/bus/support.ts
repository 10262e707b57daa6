import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/nats-core';
import { onTestFinished } from 'vitest';
import type { CommandIdentity, Engine } from '../../src/bus/commands/engine-interface.ts';
import { connectBus, roleAddress } from '../../src/bus/server/connection.ts';
import { credentialsFile, readCredentials } from '../../src/bus/server/credentials.ts';
import { type ManagedServer, type ServerOptions, startServer } from '../../src/bus/server/server.ts';
import { connect, type NetloomClient } from '../../src/client.ts';
import type { Answer, AnswerTo } from '../../src/contract/answers.ts';
import type { Role } from '../../src/contract/command.ts';
import type { FactData } from '../../src/contract/facts.ts';
import type { FactName } from '../../src/contract/name-tables.ts';
import type { Outbox, OutboxRecord } from '../../src/contract/outbox.ts';
import type { ActorAddress } from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { type ContainerWish, containerWish } from '../../src/core/container/wish.ts';
import { fault, NetloomError } from '../../src/core/fault.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import type { AsOf, ContainerView, NodeInfo } from '../../src/core/view.ts';
import { DoorCalls } from '../../src/engine/door-calls.ts';

export const node = 'n1';

export interface Directories {
  runDir: string;
  stateDir: string;
}

export function directories(): Directories {
  const base = mkdtempSync(join(tmpdir(), 'netloom-bus-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  return { runDir: join(base, 'run'), stateDir: join(base, 'state') };
}

/** Starts a server of its own for one test, on a free port; it ends with the test. */
export async function server(options: Partial<ServerOptions> & Directories = directories()): Promise<ManagedServer> {
  const started = await startServer({ node, port: 0, ...options });
  onTestFinished(() => started.stop());
  return started;
}

export async function connected(runDir: string, role: Role = 'admin'): Promise<NatsConnection> {
  const credentials = readCredentials(credentialsFile(runDir, role));
  if (!credentials) throw new Error(`no credentials of ${role}`);
  const nc = await connectBus({ ...roleAddress(credentials), name: `test ${role}` });
  onTestFinished(() => nc.close());
  return nc;
}

export async function client(runDir: string, role: Role = 'admin'): Promise<NetloomClient> {
  const connecting = connect({ creds: credentialsFile(runDir, role), node });
  const opened = await connecting;
  onTestFinished(() => opened.close());
  return opened;
}

/** Resolves as soon as the fact holds; `look` checks again after a change, else it is checked every few ms. */
export async function until(fact: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; ; ) {
    if (await fact()) return;
    if (Date.now() > deadline) throw new Error(`never true: ${fact}`);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

export interface Sent {
  command: CommandIdentity;
  to: ActorAddress;
  event: ActorEvent;
}

/** Records its calls and returns `answer`. */
export class FakeEngine implements Engine {
  readonly defaultNetwork = 'podman';
  readonly doorCalls = new DoorCalls();
  readonly sent: Sent[] = [];
  answer: (sent: Sent) => unknown = ({ to }) => ({ id: to.split('/')[1] });

  async send<Event extends ActorEvent>(
    command: Sent['command'],
    to: ActorAddress,
    event: Event,
  ): Promise<AnswerTo<Event['type']>> {
    const sent = { command, to, event };
    this.sent.push(sent);
    return this.answer(sent) as AnswerTo<Event['type']>;
  }
  netnsInode(path: string): number | null {
    return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
  }
  firstAnswer(_command: CommandIdentity): Promise<Answer | undefined> | null {
    return null;
  }
  info(): NodeInfo {
    return {
      node,
      version: '0.1.0',
      state: 'serving',
      bootId: 'boot',
      kernel: '6.1',
      nodeVersion: process.version,
      startedAt: '2026-01-01T00:00:00.000Z',
      pid: process.pid,
      workers: 2,
      hostIp: null,
      forwarding: [],
      containers: 0,
      networks: 0,
      outbox: 0,
      storage: { runFreeBytes: 2 ** 30, reservedBytes: 2 ** 22, stateFreeBytes: 2 ** 30, refused: null },
      directories: {
        run: '/run/netloom',
        state: '/var/lib/netloom',
        netns: '/run/netns',
        networks: '/etc/containers/networks',
        sysctl: '/run/sysctl.d',
      },
    };
  }
  containers(): { containers: ContainerView[] } & AsOf {
    return { containers: [], sequence: 0, streamSequence: null };
  }
  container(id: string): never {
    throw new NetloomError(fault('container.unknown', `no container ${id}`));
  }
  /** Every container is known as one without networks. */
  wishOf(id: string): ContainerWish {
    return containerWish({ id }) as ContainerWish;
  }
  inspect(id: string): never {
    return this.container(id);
  }
  networks() {
    return { networks: [], damaged: [], sequence: 0, streamSequence: null };
  }
  containerNamed(reference: string): string {
    return reference;
  }
  networkNamed(reference: string): string {
    return reference;
  }
  network(name: string): never {
    throw new NetloomError(fault('network.unknown', `no network ${name}`));
  }
  hostLinks = async () => [{ name: 'lo', owner: null }];
  firewalls = async () => ({ drops: [], unread: [] });
  async statistics(id: string) {
    return { id, interfaces: {}, ports: [] };
  }
  async droppedOf() {
    return {};
  }
  async droppedOn() {
    return {};
  }
  async plan({ id }: { id: string }) {
    const plan: Plan = { purpose: { kind: 'setup' }, kind: 'build', steps: [] };
    return { id, networks: [], steps: ['netns.create'], plan, teardown: [], settings: [] };
  }
  async findLeftovers(): ReturnType<Engine['findLeftovers']> {
    return { steps: [], found: { leftovers: [], doubtful: [] } };
  }
  async inhabitedNamespaces(): Promise<ReadonlySet<number>> {
    return new Set();
  }
  async restartWorker(): Promise<void> {}
}

/** The journal's outbox, in memory. */
export class FakeOutbox implements Outbox {
  readonly epoch: string;
  #records: OutboxRecord[] = [];
  #last = 0;
  /** every call of removeThrough */
  readonly removals: number[] = [];

  constructor(epoch = 'epoch1') {
    this.epoch = epoch;
  }

  /** The bus publishes facts unchanged, whatever their names and their data. */
  commit(fact: string, source: ActorAddress = 'container/web', data: object = { state: 'running' }): void {
    this.#last++;
    this.#records.push({
      ...{ sequence: this.#last, source, time: new Date().toISOString() },
      fact: fact as FactName,
      data: data as FactData,
    });
  }
  lastSequence(): number {
    return this.#last;
  }
  after(sequence: number, limit: number): OutboxRecord[] {
    return this.#records.filter((record) => record.sequence > sequence).slice(0, limit);
  }
  removeThrough(sequence: number): void {
    this.removals.push(sequence);
    this.#records = this.#records.filter((record) => record.sequence > sequence);
  }
  pending(): number {
    return this.#records.length;
  }
  /** like the journal of a daemon that was killed before removeThrough() */
  copy(): FakeOutbox {
    const copy = new FakeOutbox(this.epoch);
    copy.#records = [...this.#records];
    copy.#last = this.#last;
    return copy;
  }
}
