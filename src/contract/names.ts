import type { containerFacts, leaseFacts } from './container.ts';
import type { networkFacts } from './network.ts';
import type { nodeFacts } from './node.ts';
import type { CommandName } from './verbs.ts';

/** Names of what the contract has, without its schemas, which take a client 50 ms to load. The compiler holds them to it. */

export type FactName =
  | keyof typeof containerFacts
  | keyof typeof leaseFacts
  | keyof typeof networkFacts
  | keyof typeof nodeFacts;

const factTable: Readonly<Record<FactName, true>> = {
  abandoned: true,
  adopted: true,
  configured: true,
  connected: true,
  created: true,
  'definition-damaged': true,
  degraded: true,
  disconnected: true,
  'drift-detected': true,
  'drift-healed': true,
  'events-left-out': true,
  exited: true,
  failed: true,
  'forwarding-off': true,
  'forwarding-on': true,
  'lease-lost': true,
  'lease-renewed': true,
  'lease-unrenewed': true,
  leased: true,
  lost: true,
  'names-left-out': true,
  'netns-ready': true,
  overdue: true,
  'port-lost': true,
  'port-stuck': true,
  'port-unreachable': true,
  published: true,
  removed: true,
  running: true,
  serving: true,
  'tearing-down': true,
  'torn-down': true,
  unpublished: true,
  unwatched: true,
  updated: true,
};

/** Facts of all nouns, each once, in the order of the alphabet. */
export const factNames: readonly string[] = Object.keys(factTable).sort();

const commandTable: Readonly<Record<CommandName, true>> = {
  'node.info': true,
  'node.firewalls': true,
  'node.gc': true,
  'network.create': true,
  'network.inspect': true,
  'network.list': true,
  'network.remove': true,
  'network.update': true,
  'network.prune': true,
  'container.create': true,
  'container.setup': true,
  'container.started': true,
  'container.exited': true,
  'container.connect': true,
  'container.disconnect': true,
  'container.publish': true,
  'container.unpublish': true,
  'container.attach': true,
  'container.detach': true,
  'container.reload': true,
  'container.inspect': true,
  'container.list': true,
  'container.stats': true,
  'container.teardown': true,
  'container.remove': true,
  'plan.container': true,
  'plan.network': true,
  'worker.restart': true,
};

/** Programs in JavaScript may ask for anything. */
export const isCommandName = (name: string): name is CommandName => Object.hasOwn(commandTable, name);
