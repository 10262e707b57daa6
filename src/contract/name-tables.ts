import type { CommandName } from './commands.ts';
import type { containerFacts, leaseFacts } from './container-facts.ts';
import type { networkFacts } from './network-facts.ts';
import type { nodeFacts } from './node-facts.ts';

/** Names in the contract, without its schemas, which cost a client 50 ms to load. The compiler checks them against it. */

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
  'journal-rebuilt': true,
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

/** Facts of all nouns, each once, in alphabetical order. */
export const factNames: readonly string[] = Object.keys(factTable).sort();

/** Kinds of the commands. A query changes nothing, so it may be sent twice. */
const commandTable: Readonly<Record<CommandName, 'query' | 'command'>> = {
  'node.info': 'query',
  'node.firewalls': 'query',
  'node.gc': 'command',
  'network.create': 'command',
  'network.inspect': 'query',
  'network.list': 'query',
  'network.remove': 'command',
  'network.update': 'command',
  'network.prune': 'command',
  'container.create': 'command',
  'container.setup': 'command',
  'container.started': 'command',
  'container.exited': 'command',
  'container.connect': 'command',
  'container.disconnect': 'command',
  'container.publish': 'command',
  'container.unpublish': 'command',
  'container.attach': 'command',
  'container.detach': 'command',
  'container.reload': 'command',
  'container.inspect': 'query',
  'container.list': 'query',
  'container.stats': 'query',
  'container.teardown': 'command',
  'container.remove': 'command',
  'plan.container': 'query',
  'plan.network': 'query',
  'worker.restart': 'command',
};

/** Checks whether a name is a command: JavaScript programs can pass any string. */
export const isCommandName = (name: string): name is CommandName => Object.hasOwn(commandTable, name);

export const isQuery = (name: CommandName): boolean => commandTable[name] === 'query';

/** Splits a command's name: `container.setup` → `['container', 'setup']`. */
export function nounAndVerb(name: CommandName): [noun: string, verb: string] {
  const dot = name.indexOf('.');
  return [name.slice(0, dot), name.slice(dot + 1)];
}
