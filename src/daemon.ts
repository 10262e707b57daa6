import { createRequire } from 'node:module';
import { type Logger, pino } from 'pino';
import type { Journal } from './actors/journal.ts';
import { openJournal } from './actors/open-journal.ts';
import { type BusOptions, openBus } from './bus/bus.ts';
import { detach } from './bus/commands/attach.ts';
import { type CommandService, serveCommands } from './bus/commands/service.ts';
import type { NetloomError } from './core/fault.ts';
import type { NodeInfo } from './core/view.ts';
import { followDefinitions } from './engine/definition-follower.ts';
import { ActorEngine, readBootId } from './engine/engine.ts';
import { namedLeases } from './engine/journal-views.ts';
import { Pool } from './engine/pool.ts';
import { type Detach, TeardownQueue } from './engine/teardown-queue.ts';
import { hasFormerLife, makeStartDirectories } from './files/start-directories.ts';
import { StorageGuard } from './files/storage-guard.ts';
import { Firewalld } from './kernel/firewalls/firewalld.ts';
import { connectFirewalld } from './kernel/firewalls/firewalld-client.ts';
import { requirePrivileges } from './kernel/privileges.ts';
import { takeRunDirectory } from './kernel/run-lock.ts';
import { StateLock } from './kernel/state-lock.ts';
import { WatchKeeper } from './kernel/watch/keeper.ts';
import { DefinitionStore } from './networks/definition-store.ts';
import { ResolverKeeper } from './resolver/keeper.ts';
import { IdleCollector } from './threads/idle-collector.ts';
import { StopClock } from './threads/stop-clock.ts';
import { undoable, unwind } from './threads/undo.ts';
import { unlessAborted } from './threads/unless-aborted.ts';
import { within } from './threads/within.ts';

/** Options of a daemon. The run directory holds the journal, credentials, and the nats-server's configuration: it lives as long as the kernel's state. */
export interface DaemonOptions extends BusOptions {
  /** where namespaces are pinned */
  netnsDirectory: string;
  /** definitions of networks, in podman's format */
  networksDirectory: string;
  /** where systemd-sysctl reads settings of interfaces; lost at a reboot */
  sysctlDirectory: string;
  /** suffix of the containers' names */
  searchDomain: string;
  /** name of the network that containers join by default */
  defaultNetwork: string;
  /** foreign links reach each other through this host, even if netloom switched forwarding on */
  forwardForeign: boolean;
  workers: number;
  logLevel: string;
}

export interface Daemon {
  info(): NodeInfo;
  /** Resolves when the daemon cannot go on (directory.lost) and has to be stopped; never rejects. */
  readonly failed: Promise<NetloomError>;
  /** Answers commands under way, publishes what it can, and ends. Networks stay as they are. */
  stop(): Promise<void>;
}

/** Maximum time of a stop, for commands, then plans, then events that the stream has not acknowledged. */
const stopWithinMs = 4_500;
const mostMs = { drain: 2_500, answers: 500, plans: 1_000, flush: 1_500 };
/** Time for parts that end at once: threads, the daemon's nats-server, the journal. */
const lastMs = 1_500;

const { version } = createRequire(import.meta.url)('#package.json') as { version: string };

/**
 * Starts the whole daemon. Call it from a process whose first line was `await fs.promises.stat('/')`, so that libuv's pool
 * threads live in the host's namespace. Rejects with a NetloomError or the signal's reason, after it has stopped everything
 * that it had started.
 */
export async function startDaemon(options: DaemonOptions, signal: AbortSignal): Promise<Daemon> {
  const { node, workers } = options;
  const log = logger(options);
  requirePrivileges();
  const undo: (() => unknown)[] = [];
  const clock = new StopClock(stopWithinMs - lastMs);
  try {
    const lock = takeRunDirectory(options.runDirectory);
    undo.push(() => lock.release());
    lock.lost.then(({ fault }) => log.error(fault, 'the run directory is lost'));
    const hasLived = hasFormerLife(options);
    makeStartDirectories({ ...options, hasOwnServer: options.outsideServer === null });
    const stateLock = options.outsideServer === null ? lockState(options, log) : null;
    undo.push(() => stateLock?.release());

    const { journal, damage } = await openJournal(options.runDirectory, hasLived, signal);
    undo.push(() => journal.close());
    if (damage) log.error(damage, 'the journal is damaged');
    const { upgradedFrom } = journal;
    if (upgradedFrom !== null) log.info({ from: upgradedFrom }, 'the journal of an earlier version was migrated');
    const storage = guardStorage(options, journal, log);
    undo.push(() => storage.stop());
    const bootId = readBootId();
    const rebooted = journal.noticeBoot(bootId);
    // until the networks process a reboot, they have former leases
    const leases = () => (rebooted ? [] : namedLeases(journal));

    // started together: none of these needs to wait for the others, which mostly load modules
    const { runDirectory, netnsDirectory, networksDirectory, sysctlDirectory, searchDomain, forwardForeign } = options;
    const places = { runDirectory, netnsDirectory, networksDirectory, sysctlDirectory };
    const pool = new Pool({ ...places, workers, searchDomain, node, forwardForeign });
    const flushMs = () => clock.leftMs(mostMs.flush);
    const keepStore = () => stateLock?.renew();
    const opening = openBus(options, { outbox: journal, storage, log, flushMs, keepStore, signal });
    const starting = [
      undoable(undo, opening, (bus) => bus.close()),
      undoable(
        undo,
        ResolverKeeper.start(() => ({ leases: leases() })),
        (keeper) => keeper.stop(),
      ),
    ] as const;
    undo.push(() => pool.stop(clock.leftMs(mostMs.plans)));
    const watching = undoable(undo, WatchKeeper.start({ netnsDirectory }), (keeper) => keeper.stop());
    const [{ nc, publisher }, resolver, watch] = await Promise.all([...starting, watching]);

    const directories = directoriesOf(options);
    const { defaultNetwork } = options;
    const definitions = new DefinitionStore(directories.networks);
    const settings = { node, version, bootId, defaultNetwork, directories, storage, files: definitions };
    const engine = new ActorEngine(journal, pool, settings);
    const idleCollector = new IdleCollector();
    undo.push(() => idleCollector.stop());
    const firewalld = new Firewalld();
    undo.push(() => firewalld.stop());

    // events go out when they are journalled, after answers
    publisher.giveWayWhile(() => engine.isAwaited());
    pool.on('committed', (_, announced) => {
      idleCollector.note();
      if (announced) publisher.wake();
    });
    // a worker that died between its commit and its notice may have left unpublished events
    pool.on('recovered', () => publisher.wake());
    storage.on('freed', () => {
      if (journal.reportLeftOut()) publisher.wake();
    });
    // it started watching before the actors check the kernel, so that no change is missed
    watch.on('suspected', (suspected) => engine.suspect(suspected));
    watch.on('uplink', (way, before) => engine.noteWayOut(way, before));
    firewalld.on('forgot', () => engine.suspectNetworks());
    resolver.on('lost', () => engine.noteResolver('lost'));
    resolver.on('replaced', async () => {
      await pool.connectResolver();
      // checks everything that no resolver received meanwhile, or that could not be opened again
      engine.suspect({ all: true, owners: [], links: [], addresses: [] });
      engine.noteResolver('replaced');
      log.info('the resolver was started again');
    });
    report({ pool, resolver, watch, firewalld }, log);

    await unlessAborted(signal, pool.start({ resolver, firewalld: { connect: () => connectFirewalld(firewalld) } }));
    undo.push(followDefinitions({ definitions, engine, pool, log }));
    const rebuilt = await unlessAborted(signal, engine.rebuild());
    if (rebuilt && rebuilt.found.length > 0) log.warn(rebuilt, 'the journal was rebuilt from the kernel');
    await unlessAborted(signal, engine.serve(publisher));

    const carryOut: Detach = (request, file) => detach(engine, request, { id: `left ${file}`, kept: true });
    const left = new TeardownQueue(runDirectory, carryOut, log);
    undo.push(() => left.stop());
    engine.doorCalls.follow(left);
    await unlessAborted(signal, left.start());

    const service = await serveCommands({ nc, engine, node, version, log });
    await pool.serve();
    log.info({ ...directories, workers, rebooted }, 'serving');
    // not awaited
    void firewalld.start();
    const running = { left, service, engine, undo, clock, log };
    return { info: () => engine.info(), failed: lock.lost, stop: () => stop(running) };
  } catch (error) {
    clock.start();
    await unwind(undo, log);
    // a start that failed by itself while it was being stopped counts as failed
    if (error === signal.reason) log.info('stopped before it served');
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
  // a door that tears down from now on finds no daemon, and leaves the teardown to the next one
  left.stop();
  await engine.drain(clock.leftMs(mostMs.drain));
  const ended = service.stop().catch((error: unknown) => log.warn({ error }, 'the service did not end cleanly'));
  await within(clock.leftMs(mostMs.answers), ended);
  await unwind(undo, log);
  log.info('stopped');
}

function logger({ logLevel, node }: DaemonOptions): Logger {
  const serializers = { error: pino.stdSerializers.err };
  return pino({ level: logLevel, base: { node }, serializers }, pino.destination(2));
}

function directoriesOf(options: DaemonOptions): NodeInfo['directories'] {
  const { runDirectory, stateDirectory, netnsDirectory, networksDirectory, sysctlDirectory } = options;
  return {
    run: runDirectory,
    state: stateDirectory,
    netns: netnsDirectory,
    networks: networksDirectory,
    sysctl: sysctlDirectory,
  };
}

/** An outside server keeps the event stream elsewhere: daemons that share it may share a state directory. */
function lockState({ stateDirectory }: DaemonOptions, log: Logger): StateLock {
  const lock = new StateLock(stateDirectory);
  if (lock.refused)
    log.warn({ error: lock.refused }, 'the state directory cannot be locked: start no other daemon on it');
  return lock;
}

function guardStorage({ runDirectory, stateDirectory }: DaemonOptions, journal: Journal, log: Logger): StorageGuard {
  const storage = new StorageGuard({
    runDirectory,
    stateDirectory,
    keepReserve: () => journal.keepReserve(),
    pending: () => journal.pending(),
  });
  storage.on('full', (message) => log.error({ ...storage.view() }, message));
  storage.on('freed', () => log.info({ ...storage.view() }, 'there is room on the disk again'));
  storage.on('unknown', (message) => log.error(message));
  storage.start();
  return storage;
}

interface Reporting {
  pool: Pool;
  resolver: ResolverKeeper;
  watch: WatchKeeper;
  firewalld: Firewalld;
}

/** Logs threads that end by themselves, and work that cannot be done. */
function report({ pool, resolver, watch, firewalld }: Reporting, log: Logger): void {
  pool.on('unexpected', (report) => log.error(report, 'actor failed to process an event'));
  pool.on('stalled', (index, message) =>
    log.error({ worker: index, message }, 'nothing is decided until there is room'),
  );
  pool.on('died', (index, exitCode) => log.error({ worker: index, exitCode }, 'a worker ended by itself'));
  pool.on('recovered', (index) => log.info({ worker: index }, 'a worker was started again'));
  resolver.on('lost', (error) => log.error({ error }, 'the resolver ended by itself'));
  watch.on('lost', (error) => log.error({ error }, 'the watcher ended by itself'));
  firewalld.on('refused', (detail) => log.warn({ detail }, 'firewalld does not let networks pass'));
}
