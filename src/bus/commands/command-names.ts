import type { CommandName } from './commands.ts';

/** Names of all commands, without their schemas, which a client need not load. */
const names: Readonly<Record<CommandName, true>> = {
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
export const isCommandName = (name: string): name is CommandName => Object.hasOwn(names, name);
