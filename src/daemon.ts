import { createRequire } from 'node:module';
import type { NatsConnection } from '@nats-io/nats-core';
import { type Logger, pino } from 'pino';
import { Journal } from './actors/journal.ts';
import { Pool } from './actors/pool.ts';
import { detach } from './bus/attach.ts';
import { type BusAddress, connectBus, refuseOpenServer, roleAddress } from './bus/connection.ts';
import { refuseTwin } from './bus/nodes.ts';
import { OutboxPublisher } from './bus/outbox.ts';
import { type ManagedServer, startServer } from './bus/server.ts';
import { type CommandService, serveCommands } from './bus/service.ts';
import { fault, NetloomError } from './core/fault.ts';
import type { NodeInfo } from './core/view.ts';
import { TeardownQueue } from './doors/teardown-queue.ts';
import { ActorEngine, readBootId } from './engine.ts';
import { Firewalld } from './firewalls/firewalld.ts';
import { connectFirewalld } from './firewalls/firewalld-port.ts';
import { namedLeases } from './journal-views.ts';
import { makeDirectories } from './make-directories.ts';
import { DefinitionStore } from './networks/definition-store.ts';
import { listOfPrivileges, missingPrivileges } from './privileges.ts';
import { ResolverKeeper } from './resolver/keeper.ts';
import { takeRunDirectory } from './run-lock.ts';
import { SpringClean } from './spring-clean.ts';
import { WatchKeeper } from './watch/keeper.ts';

export interface DaemonOptions {
  /** names this host on the bus: it stands in every subject */
  node: string;
  /** journal, credentials, configuration of the own nats-server: has the life of the kernel's state */
  runDirectory: string;
  /** what outlives a reboot: the event stream */
  stateDirectory: string;
  /** where namespaces are pinned */
  netnsDirectory: string;
  /** definitions of networks, in podman's format */
  networksDirectory: string;
  /** where systemd-sysctl reads settings of interfaces; goes with a reboot */
  sysctlDirectory: string;
  /** the names of containers end in this */
  searchDomain: string;
  /** links that are not netloom's reach each other through this host, also where netloom switched forwarding on */
  forwardForeign: boolean;
  /** of the own nats-server, on 127.0.0.1; 0: a free one */
  natsPort: number;
  /** an outside server instead of an own one */
  natsUrl: string | null;
  /** a .creds file for the outside server */
  credentialsFile: string | null;
  /** take an outside server that lets anybody in */
  allowOpenServer: boolean;
  workers: number;
  logLevel: string;
}

export interface Daemon {
  info(): NodeInfo;
  /** Answers what is under way, publishes what it can, and ends. Networks stay as they are. */
  stop(): Promise<void>;
}

/** How long a stop waits for commands under way, and for facts to be acknowledged. */
const drainMs = 5_000;

const { version } = createRequire(import.meta.url)('#package.json') as { version: string };

/**
 * The whole of it, top to bottom. Call it from a process whose first line was `await fs.promises.stat('/')`, so that
 * libuv's pool threads live in the host's namespace. Rejects with a NetloomError; what was started is stopped then.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { node, runDirectory, stateDirectory, netnsDirectory, networksDirectory, searchDomain, workers } = options;
  const { sysctlDirectory } = options;
  const log = pino(
    { level: options.logLevel, base: { node }, serializers: { error: pino.stdSerializers.err } },
    pino.destination(2),
  );
  const missing = missingPrivileges();
  if (missing.length > 0)
    throw new NetloomError(
      fault('node.unprivileged', `the daemon needs root: this process lacks ${listOfPrivileges(missing)}`),
    );
  const undo: (() => unknown)[] = [];
  try {
    const lock = takeRunDirectory(runDirectory);
    undo.push(() => lock.release());
    makeDirectories(stateDirectory, 0o700);

    const journal = new Journal(runDirectory);
    undo.push(() => journal.close());
    const bootId = readBootId();
    const rebooted = journal.noticeBoot(bootId);
    // until the networks have heard of a reboot, they have leases of before
    const leasesOf = rebooted ? () => [] : namedLeases;

    // what each of these waits for, modules to be loaded above all, the others need not wait for
    const pool = new Pool({
      workers,
      runDirectory,
      netnsDirectory,
      networksDirectory,
      sysctlDirectory,
      searchDomain,
      node,
      forwardForeign: options.forwardForeign,
    });
    const [{ nc, publisher }, resolver, , watch] = await allOf(undo, [
      [openBus(options, journal, log), (bus: Bus) => bus.close()],
      [ResolverKeeper.start(() => ({ leases: leasesOf(journal) })), (keeper: ResolverKeeper) => keeper.stop()],
      [Promise.resolve(pool), () => pool.stop()],
      [WatchKeeper.start({ netnsDirectory }), (keeper: WatchKeeper) => keeper.stop()],
    ]);
    resolver.on('lost', (error) => log.error({ error }, 'the resolver ended by itself'));
    const directories = {
      run: runDirectory,
      state: stateDirectory,
      netns: netnsDirectory,
      networks: networksDirectory,
      sysctl: sysctlDirectory,
    };
    const engine = new ActorEngine(journal, pool, { node, version, bootId, directories });
    publisher.giveWayWhile(() => engine.isAwaited());
    const springClean = new SpringClean();
    undo.push(() => springClean.stop());
    pool.on('committed', (_, announced) => {
      springClean.note();
      if (announced) publisher.wake();
    });
    // a worker that ended between its commit and its word to us may have left facts behind
    pool.on('recovered', () => publisher.wake());
    reportWorkers(pool, log);
    // it watches since before the actors look at what is there: nothing goes unseen
    watch.on('suspected', (suspected) => engine.suspect(suspected));
    watch.on('uplink', (way, before) => engine.noteWayOut(way, before));
    resolver.on('lost', () => engine.noteResolver('lost'));
    resolver.on('replaced', async () => {
      await pool.connectResolver();
      // what could not be told to anybody meanwhile, or could not be opened again, is looked at
      engine.suspect({ all: true, owners: [], links: [], addresses: [] });
      engine.noteResolver('replaced');
      log.info('the resolver was started again');
    });
    watch.on('lost', (error) => log.error({ error }, 'the watcher ended by itself'));
    const firewalld = new Firewalld();
    undo.push(() => firewalld.stop());
    firewalld.on('forgot', () => engine.suspectNetworks());
    firewalld.on('refused', (detail) => log.warn({ detail }, 'firewalld does not let networks pass'));
    await pool.start({ resolver, firewalld: { connect: () => connectFirewalld(firewalld) } });
    const definitions = new DefinitionStore(networksDirectory);
    const takeDefinitions = () => {
      const { damaged } = engine.takeDefinitions(definitions.list(), (name) => definitions.has(name));
      for (const one of damaged) log.warn(one, 'a network is not taken');
    };
    undo.push(definitions.watch(takeDefinitions));
    pool.on('committed', (_, announced) => {
      if (announced && engine.isPlaceFree()) takeDefinitions();
    });
    takeDefinitions();
    await engine.serve(publisher);

    const left = new TeardownQueue(
      runDirectory,
      (request, file) => detach(engine, request, { id: `left ${file}`, kept: true }),
      log,
    );
    undo.push(() => left.stop());
    await left.start();

    const service = await serveCommands({ nc, engine, node, version, log });
    log.info({ ...directories, workers, rebooted }, 'serving');
    // nothing waits for it
    void firewalld.start();
    return { info: () => engine.info(), stop: () => stop({ left, service, engine, undo, log }) };
  } catch (error) {
    await unwind(undo, log);
    throw error;
  }
}

/** Waits for all, so that also what outlives a failure is stopped. Stopped in the reverse of the order given here. */
async function allOf<Started extends readonly unknown[]>(
  undo: (() => unknown)[],
  begun: readonly [...{ [Index in keyof Started]: [Promise<Started[Index]>, (started: Started[Index]) => unknown] }],
): Promise<Started> {
  const outcomes = await Promise.allSettled(begun.map(([promise]) => promise));
  for (const [index, outcome] of outcomes.entries())
    if (outcome.status === 'fulfilled') undo.push(() => begun[index]?.[1](outcome.value as never));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as unknown as Started;
}

interface Bus {
  nc: NatsConnection;
  publisher: OutboxPublisher;
  close(): Promise<void>;
}

async function openBus(options: DaemonOptions, journal: Journal, log: Logger): Promise<Bus> {
  const { node } = options;
  const undo: (() => unknown)[] = [];
  try {
    const server = options.natsUrl === null ? await ownServer(options, log) : null;
    undo.push(() => server?.stop());
    const nc = await connectBus({ ...(await addressOf(options, server)), name: `netloom daemon ${node}` });
    undo.push(() => nc.close());
    if (!server) await refuseTwin(nc, node);
    const publisher = new OutboxPublisher({ nc, outbox: journal, node, log });
    undo.push(async () => {
      await publisher.flush(drainMs);
      await publisher.stop();
    });
    return { nc, publisher, close: () => unwind(undo, log) };
  } catch (error) {
    await unwind(undo, log);
    throw error;
  }
}

interface Running {
  left: TeardownQueue;
  service: CommandService;
  engine: ActorEngine;
  undo: (() => unknown)[];
  log: Logger;
}

async function stop({ left, service, engine, undo, log }: Running): Promise<void> {
  log.info('stopping');
  // who tears down from now on is told that nobody serves, and leaves it to the next daemon
  left.stop();
  await engine.drain(drainMs);
  await service.stop().catch((error: unknown) => log.warn({ error }, 'the service did not end cleanly'));
  await unwind(undo, log);
  log.info('stopped');
}

/** Newest first; one that fails does not keep the others. */
async function unwind(undo: (() => unknown)[], log: Logger): Promise<void> {
  for (const step of undo.splice(0).reverse()) {
    try {
      await step();
    } catch (error) {
      log.warn({ error }, 'could not be stopped cleanly');
    }
  }
}

function ownServer(
  { node, runDirectory, stateDirectory, natsPort }: DaemonOptions,
  log: Logger,
): Promise<ManagedServer> {
  return startServer({ node, runDir: runDirectory, stateDir: stateDirectory, port: natsPort, log });
}

async function addressOf(options: DaemonOptions, server: ManagedServer | null): Promise<BusAddress> {
  if (server) return roleAddress(server.credentials);
  const creds = options.credentialsFile;
  const address: BusAddress = { url: options.natsUrl as string, ...(creds === null ? {} : { creds }) };
  if (!options.allowOpenServer) await refuseOpenServer(address);
  return address;
}

function reportWorkers(pool: Pool, log: Logger): void {
  pool.on('unexpected', (report) => log.error(report, 'an actor could not digest an event'));
  pool.on('died', (index, exitCode) => log.error({ worker: index, exitCode }, 'a worker ended by itself'));
  pool.on('recovered', (index) => log.info({ worker: index }, 'a worker was started again'));
}
