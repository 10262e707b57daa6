import { type MessagePort, workerData } from 'node:worker_threads';
import { ActorSystem, type Outside } from '../actors/actor-system.ts';
import { heldAddresses } from '../actors/held-addresses.ts';
import { type Answer, type Delivery, Journal } from '../actors/journal.ts';
import type { FromWorker, ToWorker, WorkerSettings, WorkerVerbs } from '../actors/protocol.ts';
import { fault, faultOf, NetloomError } from '../core/fault.ts';
import { FirewalldClient } from '../kernel/firewalls/firewalld-client.ts';
import { foundLink } from '../kernel/found-link.ts';
import { SettingsFiles } from '../kernel/links/settings-files.ts';
import { NativeKernel } from '../kernel/native-kernel.ts';
import { inhabitedNamespaces } from '../kernel/netns/inhabited-namespaces.ts';
import { type KernelServices, noFirewalld, noNames } from '../kernel/services.ts';
import { DefinitionStore } from '../networks/definition-store.ts';
import { ResolverClient } from '../resolver/client.ts';
import type { Handlers } from '../threads/calls.ts';
import { IdleCollector } from '../threads/idle-collector.ts';
import { serveThread } from '../threads/inside.ts';

/** Entry point of a kernel worker: connects the actors to their journal, the kernel and the other threads. */

const settings = workerData as WorkerSettings;
const peers = new Map<number, MessagePort>();

const journal = new Journal(settings.runDirectory);
/** Set before any actor is restored, and again after a death of the resolver. */
let names: ResolverClient | null = null;
const resolver = (): KernelServices['names'] => names ?? noNames;
let firewalld: FirewalldClient | null = null;
const kernel = new NativeKernel(settings.netnsDirectory, {
  definitions: new DefinitionStore(settings.networksDirectory),
  settings: new SettingsFiles(settings.sysctlDirectory),
  heldAddresses: () => heldAddresses(journal),
  names: {
    serve: (network) => resolver().serve(network),
    retire: (network) => resolver().retire(network),
    add: (entry) => resolver().add(entry),
    remove: (network, container) => resolver().remove(network, container),
  },
  firewalld: {
    trust: (subnets) => (firewalld ?? noFirewalld).trust(subnets),
    distrust: (subnets) => (firewalld ?? noFirewalld).distrust(subnets),
  },
});

/** Deliveries of one turn, sent together: waking another thread costs more than most messages. */
const unsent = new Map<number, Delivery[]>();
let isAnnounced = false;
/** How long a notice of new events waits for an answer to go with it. */
const announceWithinMs = 2;

function sendDeliveries(): void {
  // a peer that is being started again reads its inbox from the journal, so that undelivered messages are not lost
  for (const [worker, deliveries] of unsent) peers.get(worker)?.postMessage(deliveries);
  unsent.clear();
}

function sendCommitted(answers: readonly Answer[]): void {
  if (answers.length > 0 || isAnnounced) main.say({ kind: 'committed', answers: [...answers], announced: isAnnounced });
  isAnnounced = false;
}

const outside: Outside = {
  deliver: (worker, delivery) => {
    if (unsent.size === 0) queueMicrotask(sendDeliveries);
    unsent.set(worker, [...(unsent.get(worker) ?? []), delivery]);
  },
  // an answer is sent at once; the notice of new events goes with it, or a moment later
  committed: (answers, announced) => {
    if (announced && !isAnnounced && answers.length === 0) setTimeout(sendCommitted, announceWithinMs, []);
    isAnnounced ||= announced;
    if (answers.length > 0) sendCommitted(answers);
  },
  stalled: ({ message }) => main.say({ kind: 'stalled', message }),
  unexpected: (address, event, error) =>
    main.say({
      kind: 'unexpected',
      address,
      event: event.type,
      message: faultOf(error).message,
      stack: error instanceof Error ? (error.stack ?? null) : null,
    }),
};
const system = new ActorSystem(journal, kernel, outside, settings);

const handlers: Handlers<WorkerVerbs> = {
  join: ({ index, port }) => join(index, port),
  restore: () => system.restore(),
  wake: ({ kind }) => system.wake(kind),
  dropped: () => kernel.dropped(),
  statistics: ({ netnsPath, ports }) => {
    try {
      return kernel.statistics(netnsPath, ports);
    } catch (error) {
      throw isAbsent(error) ? new NetloomError(fault('netns.gone', `${netnsPath} is not there any more`)) : error;
    }
  },
  names: async ({ port }) => {
    if (names) await names.reconnect(port);
    else names = new ResolverClient(port);
  },
  firewalld: ({ port }) => {
    firewalld = new FirewalldClient(port);
  },
  hostIp: () => kernel.hostIp(),
  hostLinks: () => kernel.hostLinks(),
  findLink: (step) => foundLink(kernel, step),
  inventory: () => kernel.inventory(),
  evidence: () => kernel.evidence(),
  inhabited: () => inhabitedNamespaces(),
  serve: ({ graceMs }) => kernel.serve(graceMs),
  stop: async () => {
    await system.stop();
    kernel.close();
    names?.close();
    firewalld?.close();
    await journal.close();
  },
  exit: () => process.exit(1),
};

/** Checks whether the error means that the namespace's path is missing, or has no mount. */
function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'EINVAL'].includes((error as { errno?: string }).errno ?? '');
}

function join(index: number, port: MessagePort): void {
  peers.get(index)?.close();
  peers.set(index, port);
  port.on('message', (deliveries: Delivery[]) => {
    idleCollector.note();
    for (const delivery of deliveries) system.deliver(delivery);
  });
}

const idleCollector = new IdleCollector();

const main = serveThread<WorkerVerbs, ToWorker, FromWorker>(handlers, (message) => {
  idleCollector.note();
  if (message.kind === 'deliver') system.deliver(message.delivery);
  else system.suspect(message.address);
});
main.ready();
