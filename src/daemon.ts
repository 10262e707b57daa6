import { createRequire } from 'node:module';
import type { NatsConnection } from '@nats-io/nats-core';
import { type Logger, pino } from 'pino';
import { Journal } from './actors/journal.ts';
import { detach } from './bus/commands/attach.ts';
import { type CommandService, serveCommands } from './bus/commands/service.ts';
import { OutboxPublisher } from './bus/events/outbox.ts';
import { requireJetStream } from './bus/events/stream.ts';
import { type BusAddress, connectBus, refuseOpenServer, roleAddress } from './bus/server/connection.ts';
import { refuseTwin } from './bus/server/nodes.ts';
import { type ManagedServer, startServer } from './bus/server/server.ts';
import { ServerWatch } from './bus/server/server-watch.ts';
import { fault, NetloomError } from './core/fault.ts';
import type { NodeInfo } from './core/view.ts';
import { TeardownQueue } from './doors/teardown-queue.ts';
import { ActorEngine, readBootId } from './engine/engine.ts';
import { namedLeases } from './engine/journal-views.ts';
import { Pool } from './engine/pool.ts';
import { makeStartDirectories } from './files/start-directories.ts';
import { StorageGuard } from './files/storage-guard.ts';
import { Firewalld } from './kernel/firewalls/firewalld.ts';
import { connectFirewalld } from './kernel/firewalls/firewalld-port.ts';
import { listOfPrivileges, missingPrivileges } from './kernel/privileges.ts';
import { takeRunDirectory } from './kernel/run-lock.ts';
import { WatchKeeper } from './kernel/watch/keeper.ts';
import { DefinitionStore } from './networks/definition-store.ts';
import { ResolverKeeper } from './resolver/keeper.ts';
import { SpringClean } from './threads/spring-clean.ts';
import { allOf, unwind } from './threads/undo.ts';
import { unlessAborted } from './threads/unless-aborted.ts';
import { within } from './threads/within.ts';

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
  /** name of the network that containers join where none is named */
  defaultNetwork: string;
  /** links that are not netloom's reach each other through this host, also where netloom switched forwarding on */
  forwardForeign: boolean;
  /** of the own nats-server, on 127.0.0.1; 0: a free one */
  natsPort: number;
  /** a NATS server of others instead of an own one */
  outsideServer: BusAddress | null;
  /** take an outside server that lets anybody in */
  allowOpenServer: boolean;
  workers: number;
  logLevel: string;
}

export interface Daemon {
  info(): NodeInfo;
  /** Resolves when the daemon cannot go on (directory.lost) and has to be stopped; never rejects. */
  readonly failed: Promise<NetloomError>;
  /** Answers what is under way, publishes what it can, and ends. Networks stay as they are. */
  stop(): Promise<void>;
}

/** A stop takes no longer, whatever is under way: commands, then plans, then facts that the stream has not acknowledged. */
const stopWithinMs = 4_500;
const mostMs = { drain: 2_500, answers: 500, plans: 1_000, flush: 1_500 };
/** What ends of itself at once: threads, the own nats-server, the journal. */
const lastMs = 1_500;

const { version } = createRequire(import.meta.url)('#package.json') as { version: string };

/**
 * The whole of it, top to bottom. Call it from a process whose first line was `await fs.promises.stat('/')`, so that
 * libuv's pool threads live in the host's namespace. Rejects with a NetloomError, or with the signal's reason; what was started
 * is stopped then.
 */
export async function startDaemon(options: DaemonOptions, signal: AbortSignal): Promise<Daemon> {
  const { node, runDirectory, stateDirectory, netnsDirectory, networksDirectory, searchDomain, workers } = options;
  const { sysctlDirectory } = options;
  const log = pino(
    { level: options.logLevel, base: { node }, serializers: { error: pino.stdSerializers.err } },
    pino.destination(2),
  );
  const missing = missingPrivileges();
  if (missing.length > 0)
    throw new NetloomError(
      fault(
        'node.unprivileged',
        `the daemon needs root: ${listOfPrivileges(missing)} ${missing.length > 1 ? 'are' : 'is'} missing`,
      ),
    );
  const undo: (() => unknown)[] = [];
  const clock = new StopClock();
  try {
    const lock = takeRunDirectory(runDirectory);
    undo.push(() => lock.release());
    lock.lost.then(({ fault }) => log.error(fault, 'the run directory is lost'));
    makeStartDirectories({ ...options, hasOwnServer: options.outsideServer === null });

    const journal = new Journal(runDirectory);
    undo.push(() => journal.close());
    const storage = new StorageGuard({
      runDirectory,
      stateDirectory,
      keepReserve: () => journal.keepReserve(),
      pending: () => journal.pending(),
    });
    undo.push(() => storage.stop());
    storage.on('full', (message) => log.error({ ...storage.view() }, message));
    storage.on('freed', () => log.info({ ...storage.view() }, 'there is room on the disk again'));
    storage.on('unknown', (message) => log.error(message));
    storage.start();
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
      [openBus(options, { journal, storage, log, clock, signal }), (bus: Bus) => bus.close()],
      [ResolverKeeper.start(() => ({ leases: leasesOf(journal) })), (keeper: ResolverKeeper) => keeper.stop()],
      [Promise.resolve(pool), () => pool.stop(clock.leftMs(mostMs.plans))],
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
    const engine = new ActorEngine(journal, pool, {
      node,
      version,
      bootId,
      defaultNetwork: options.defaultNetwork,
      directories,
      storage,
    });
    storage.on('freed', () => {
      if (journal.reportLeftOut()) publisher.wake();
    });
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
    const firewalldPorts = { connect: () => connectFirewalld(firewalld) };
    await unlessAborted(signal, pool.start({ resolver, firewalld: firewalldPorts }));
    const definitions = new DefinitionStore(networksDirectory);
    const takeDefinitions = () => {
      const { damaged } = engine.takeDefinitions(definitions.list(), (name) => definitions.has(name));
      for (const one of damaged) log.warn(one, 'a network is not taken');
    };
    const takeChanges = () => {
      try {
        takeDefinitions();
      } catch (error) {
        log.error({ error }, 'the definitions of networks cannot be read; networks stay as they are');
      }
    };
    undo.push(definitions.watch(takeChanges));
    pool.on('committed', (_, announced) => {
      if (announced && engine.isPlaceFree()) takeChanges();
    });
    takeDefinitions();
    await unlessAborted(signal, engine.serve(publisher));

    const left = new TeardownQueue(
      runDirectory,
      (request, file) => detach(engine, request, { id: `left ${file}`, kept: true }),
      log,
    );
    undo.push(() => left.stop());
    await unlessAborted(signal, left.start());

    const service = await serveCommands({ nc, engine, node, version, log });
    await pool.serve();
    log.info({ ...directories, workers, rebooted }, 'serving');
    // nothing waits for it
    void firewalld.start();
    const running = { left, service, engine, undo, clock, log };
    return { info: () => engine.info(), failed: lock.lost, stop: () => stop(running) };
  } catch (error) {
    clock.start();
    await unwind(undo, log);
    // a start that failed while it was to be stopped has failed
    if (error === signal.reason) log.info('stopped before it served');
    throw error;
  }
}

interface Bus {
  nc: NatsConnection;
  publisher: OutboxPublisher;
  close(): Promise<void>;
}

interface BusParts {
  journal: Journal;
  storage: StorageGuard;
  log: Logger;
  clock: StopClock;
  signal: AbortSignal;
}

async function openBus(options: DaemonOptions, { journal, storage, log, clock, signal }: BusParts): Promise<Bus> {
  const { node } = options;
  const undo: (() => unknown)[] = [];
  try {
    const server = options.outsideServer === null ? await ownServer(options, log, signal) : null;
    undo.push(() => server?.stop());
    const address = await unlessAborted(signal, addressOf(options, server));
    const nc = await connectBus({ ...address, name: `netloom daemon ${node}`, signal });
    undo.push(() => nc.close());
    if (!server) {
      await unlessAborted(signal, requireJetStream(nc));
      await unlessAborted(signal, refuseTwin(nc, node));
    }
    const events = await connectBus({ ...address, name: `netloom daemon ${node}, events`, signal });
    undo.push(() => events.close());
    const hasRoom = () => !server || storage.hasRoomForEvents();
    const publisher = new OutboxPublisher({ nc: events, outbox: journal, node, log, hasRoom });
    undo.push(async () => {
      // the next daemon publishes what waits for a stream that is away
      if (!publisher.isHeldUp()) await publisher.flush(clock.leftMs(mostMs.flush));
      await publisher.stop();
    });
    const progress = () => ({ pending: publisher.pending(), sequence: publisher.position().sequence });
    const watch = server && new ServerWatch({ server, commands: nc, events, progress, hasRoom, log });
    undo.push(() => watch?.stop());
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
  clock: StopClock;
  log: Logger;
}

async function stop({ left, service, engine, undo, clock, log }: Running): Promise<void> {
  log.info('stopping');
  clock.start();
  // who tears down from now on is told that nobody serves, and leaves it to the next daemon
  left.stop();
  await engine.drain(clock.leftMs(mostMs.drain));
  const ended = service.stop().catch((error: unknown) => log.warn({ error }, 'the service did not end cleanly'));
  await within(clock.leftMs(mostMs.answers), ended);
  await unwind(undo, log);
  log.info('stopped');
}

/** What of the time for a stop is left. */
class StopClock {
  #endsAtMs = Number.POSITIVE_INFINITY;

  start(): void {
    this.#endsAtMs = performance.now() + stopWithinMs - lastMs;
  }

  /** at most so much, and nothing of what ends of itself needs */
  leftMs(most: number): number {
    return Math.max(0, Math.min(most, this.#endsAtMs - performance.now()));
  }
}

function ownServer(
  { node, runDirectory, stateDirectory, natsPort }: DaemonOptions,
  log: Logger,
  signal: AbortSignal,
): Promise<ManagedServer> {
  return startServer({ node, runDir: runDirectory, stateDir: stateDirectory, port: natsPort, log, signal });
}

async function addressOf(options: DaemonOptions, server: ManagedServer | null): Promise<BusAddress> {
  if (server) return roleAddress(server.credentials);
  const address = options.outsideServer as BusAddress;
  if (!options.allowOpenServer) await refuseOpenServer(address);
  return address;
}

function reportWorkers(pool: Pool, log: Logger): void {
  pool.on('unexpected', (report) => log.error(report, 'an actor could not digest an event'));
  pool.on('stalled', (index, message) =>
    log.error({ worker: index, message }, 'nothing is decided until there is room'),
  );
  pool.on('died', (index, exitCode) => log.error({ worker: index, exitCode }, 'a worker ended by itself'));
  pool.on('recovered', (index) => log.info({ worker: index }, 'a worker was started again'));
}
