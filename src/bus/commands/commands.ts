import type { z } from 'zod';
import {
  collectedSchema,
  containerChangedSchema,
  containerInspectionSchema,
  containerListSchema,
  containerNamedSchema,
  containerStatusSchema,
  foreignFirewallsSchema,
  networkCreatedSchema,
  networkInspectionSchema,
  networkListSchema,
  networkNamedSchema,
  networkProposedSchema,
  networksPrunedSchema,
  nodeInfoSchema,
  planSchema,
  statisticsSchema,
  tornDownSchema,
  workerRestartedSchema,
} from '../../contract/replies.ts';
import {
  attachSchema,
  collectSchema,
  connectSchema,
  containerReferenceSchema,
  containerRequestSchema,
  detachSchema,
  disconnectSchema,
  exitedSchema,
  networkProposalSchema,
  networkPruneSchema,
  networkReferenceSchema,
  networkRemovalSchema,
  networkRequestSchema,
  networkUpdateSchema,
  nothingSchema,
  portsSchema,
  removalSchema,
  setupSchema,
  startedSchema,
  workerReferenceSchema,
} from '../../contract/requests.ts';
import { askedAttachment, attachmentBeside, containerWish } from '../../core/container/wish.ts';
import { networkWish } from '../../core/network/definition.ts';
import { fileOf } from '../../core/network/file.ts';
import { proposedNetwork } from '../../core/network/proposal.ts';
import { publishedPorts } from '../../core/port.ts';
import { attach, detach } from './attach.ts';
import { collect } from './collection.ts';
import type { CommandIdentity, Engine } from './engine.ts';
import { pruned, removeNetwork } from './network-removal.ts';
import { tellContainer, tellNetwork } from './tell.ts';
import {
  checked,
  checkedAddresses,
  idOf,
  idOrItself,
  joinedNetwork,
  namedAttachments,
  namedWish,
  nameOrItself,
  setupWish,
} from './wishes.ts';

/** Who may say it, the narrowest first: a role may do what those before it may. */
export type Role = 'viewer' | 'operator' | 'admin';

export interface Command<Request extends z.ZodType, Response extends z.ZodType> {
  doc: string;
  role: Role;
  request: Request;
  response: Response;
  run(
    engine: Engine,
    request: z.output<Request>,
    command: CommandIdentity,
  ): z.output<Response> | Promise<z.output<Response>>;
}

const command = <Request extends z.ZodType, Response extends z.ZodType>(
  entry: Command<Request, Response>,
): Command<Request, Response> => entry;

/** `<noun>.<verb>` → what it takes, what it answers, how it is done. */
export const commands = {
  'node.info': command({
    doc: 'Shows the state of the daemon',
    role: 'viewer',
    request: nothingSchema,
    response: nodeInfoSchema,
    run: (engine) => engine.info(),
  }),
  'node.firewalls': command({
    doc: 'Shows which other firewalls drop traffic of networks, which traffic, and the commands that let it pass',
    role: 'viewer',
    request: nothingSchema,
    response: foreignFirewallsSchema,
    run: (engine) => engine.firewalls(),
  }),
  'node.gc': command({
    doc: 'Removes kernel objects of netloom that have no owner; with `unstarted` also containers that were never started',
    role: 'admin',
    request: collectSchema,
    response: collectedSchema,
    run: (engine, request, command) =>
      request.dryRun
        ? collect(engine, request, command)
        : engine.once(command, () => collect(engine, request, command)),
  }),

  'network.create': command({
    doc: 'Defines a network; its bridge is made when the first container joins',
    role: 'operator',
    request: networkRequestSchema,
    response: networkCreatedSchema,
    run: (engine, request, command) =>
      tellNetwork(engine, request.name, command, {
        type: 'network.create',
        command: command.id,
        wish: checked(networkWish(request)),
        created: new Date().toISOString(),
      }),
  }),
  'network.inspect': command({
    doc: 'Shows one network',
    role: 'viewer',
    request: networkReferenceSchema,
    response: networkInspectionSchema,
    run: async (engine, { name }) => {
      const { network, ...asOf } = engine.network(name);
      return { network, dropped: await engine.droppedOn(network), ...asOf };
    },
  }),
  'network.list': command({
    doc: 'Shows all networks',
    role: 'viewer',
    request: nothingSchema,
    response: networkListSchema,
    run: (engine) => engine.networks(),
  }),
  'network.remove': command({
    doc: 'Removes a network that no container uses',
    role: 'operator',
    request: networkRemovalSchema,
    response: networkNamedSchema,
    run: (engine, { name: reference, force }, command) =>
      engine.once(command, () => removeNetwork(engine, nameOrItself(engine, reference), force ?? false, command)),
  }),
  'network.update': command({
    doc: 'Changes name servers and guards of a network, at once, also for containers that are up',
    role: 'operator',
    request: networkUpdateSchema,
    response: networkCreatedSchema,
    run: (engine, { name, addDnsServers, removeDnsServers, dnsServers, options }, command) =>
      tellNetwork(engine, engine.networkNamed(name), command, {
        type: 'network.update',
        command: command.id,
        addDnsServers: checkedAddresses(addDnsServers ?? []),
        removeDnsServers: checkedAddresses(removeDnsServers ?? []),
        ...(dnsServers && { dnsServers: checkedAddresses(dnsServers) }),
        ...(options && { options }),
      }),
  }),
  'network.prune': command({
    doc: 'Removes all networks that no container uses, except the default network',
    role: 'operator',
    request: networkPruneSchema,
    response: networksPrunedSchema,
    run: (engine, { names }, command) =>
      engine.once(command, async () => {
        const unused = engine
          .networks()
          .networks.filter(({ leases }) => Object.keys(leases).length === 0)
          .filter(({ name }) => name !== engine.defaultNetwork && (!names || names.includes(name)));
        const outcomes = await Promise.all(unused.map(({ name }) => pruned(engine, name, command)));
        return { removed: outcomes.flatMap((name) => name ?? []) };
      }),
  }),

  'container.create': command({
    doc: 'Stores the wish for a container; builds nothing yet',
    role: 'operator',
    request: containerRequestSchema,
    response: containerNamedSchema,
    run: (engine, request, command) =>
      tellContainer(engine, request.id, command, {
        type: 'container.create',
        command: command.id,
        wish: namedWish(engine, checked(containerWish(request, engine.defaultNetwork))),
      }),
  }),
  'container.setup': command({
    doc: "Builds a container's network",
    role: 'operator',
    request: setupSchema,
    response: containerStatusSchema,
    run: (engine, request, command) =>
      tellContainer(engine, request.id, command, {
        type: 'container.setup',
        command: command.id,
        wish: setupWish(engine, request),
        ...(request.startWithinMs && { startWithinMs: request.startWithinMs }),
        ...(request.isNew && { isNew: true }),
        overrides: request.networkOverrides ? namedAttachments(engine, request.id, request.networkOverrides) : null,
      }),
  }),
  'container.started': command({
    doc: "Reports the container's first process; the daemon then watches for its end",
    role: 'operator',
    request: startedSchema,
    response: containerNamedSchema,
    run: (engine, { pid, reportsExit, ...reference }, command) =>
      tellContainer(engine, idOrItself(engine, reference), command, {
        type: 'container.started',
        command: command.id,
        pid,
        ...(reportsExit && { reportsExit }),
      }),
  }),
  'container.exited': command({
    doc: "Reports that the container's first process has ended, and its exit code",
    role: 'operator',
    request: exitedSchema,
    response: containerNamedSchema,
    run: (engine, { pid, exitCode, ...reference }, command) =>
      tellContainer(engine, idOrItself(engine, reference), command, {
        type: 'container.exited',
        command: command.id,
        pid,
        exitCode,
      }),
  }),
  'container.connect': command({
    doc: 'Joins a network; live when the container is up',
    role: 'operator',
    request: connectSchema,
    response: containerChangedSchema,
    run: (engine, { id: reference, exact, ...request }, command) => {
      const id = idOrItself(engine, { id: reference, exact });
      const asked = { ...request, network: joinedNetwork(engine, request.network) };
      const attachment = askedAttachment(asked, engine.defaultNetwork);
      checked(attachmentBeside([], id, attachment));
      return tellContainer(engine, id, command, { type: 'container.connect', command: command.id, attachment });
    },
  }),
  'container.disconnect': command({
    doc: 'Leaves a network; live when the container is up',
    role: 'operator',
    request: disconnectSchema,
    response: containerChangedSchema,
    run: (engine, { network, ...reference }, command) =>
      tellContainer(engine, idOrItself(engine, reference), command, {
        type: 'container.disconnect',
        command: command.id,
        network: nameOrItself(engine, network),
      }),
  }),
  'container.publish': command({
    doc: 'Publishes more host ports; live when the container is up',
    role: 'operator',
    request: portsSchema,
    response: containerChangedSchema,
    run: (engine, { ports, ...reference }, command) =>
      tellContainer(engine, idOrItself(engine, reference), command, {
        type: 'container.publish',
        command: command.id,
        ports: checked(publishedPorts(ports)),
      }),
  }),
  'container.unpublish': command({
    doc: 'Stops publishing host ports; packets to the others are not disturbed',
    role: 'operator',
    request: portsSchema,
    response: containerChangedSchema,
    run: (engine, { ports, ...reference }, command) =>
      tellContainer(engine, idOrItself(engine, reference), command, {
        type: 'container.unpublish',
        command: command.id,
        ports: checked(publishedPorts(ports)),
      }),
  }),
  'container.attach': command({
    doc: 'Sets up the container, or connects it to networks that it is not on yet: for engines that call once per network. A container that it created and could not set up is removed, unless something of it is left in the kernel',
    role: 'operator',
    request: attachSchema,
    response: containerStatusSchema,
    run: attach,
  }),
  'container.detach': command({
    doc: 'Disconnects a container from networks; after the last one the container is torn down and removed. Unknown containers and networks are no error',
    role: 'operator',
    request: detachSchema,
    response: containerNamedSchema,
    run: detach,
  }),
  'container.reload': command({
    doc: 'Compares the kernel with the wish and restores what is missing; connections survive',
    role: 'operator',
    request: containerReferenceSchema,
    response: containerStatusSchema,
    run: (engine, reference, command) =>
      tellContainer(engine, idOrItself(engine, reference), command, {
        type: 'container.reload',
        command: command.id,
      }),
  }),
  'container.inspect': command({
    doc: "Shows one container, also as podman's inspect shows its network",
    role: 'viewer',
    request: containerReferenceSchema,
    response: containerInspectionSchema,
    run: async (engine, reference) => {
      const inspection = engine.inspect(idOf(engine, reference));
      return { ...inspection, dropped: await engine.droppedOf(inspection.container) };
    },
  }),
  'container.list': command({
    doc: 'Shows all containers',
    role: 'viewer',
    request: nothingSchema,
    response: containerListSchema,
    run: (engine) => engine.containers(),
  }),
  'container.stats': command({
    doc: "Reads the counters of a container's interfaces",
    role: 'viewer',
    request: containerReferenceSchema,
    response: statisticsSchema,
    run: (engine, reference) => engine.statistics(idOf(engine, reference)),
  }),
  'container.teardown': command({
    doc: "Takes a container's network down; the wish is kept. Refused while a process runs there, unless forced",
    role: 'operator',
    request: removalSchema,
    response: tornDownSchema,
    run: (engine, { force, ...reference }, command) =>
      tellContainer(engine, idOrItself(engine, reference), command, {
        type: 'container.teardown',
        command: command.id,
        ...(force && { force }),
      }),
  }),
  'container.remove': command({
    doc: "Takes a container's network down and forgets the container. Refused while a process runs there, unless forced",
    role: 'operator',
    request: removalSchema,
    response: containerNamedSchema,
    run: (engine, { force, ...reference }, command) =>
      tellContainer(engine, idOrItself(engine, reference), command, {
        type: 'container.remove',
        command: command.id,
        ...(force && { force }),
      }),
  }),

  'plan.container': command({
    doc: 'Shows what container.setup would do, with only an id by the stored wish; changes nothing',
    role: 'viewer',
    request: containerRequestSchema,
    response: planSchema,
    run: (engine, request) => engine.plan(setupWish(engine, request) ?? engine.wishOf(request.id)),
  }),
  'plan.network': command({
    doc: 'Completes the definition of a network that an engine is about to keep itself; changes nothing',
    role: 'viewer',
    request: networkProposalSchema,
    response: networkProposedSchema,
    run: async (engine, request) => {
      const created = new Date().toISOString();
      return { definition: fileOf(checked(proposedNetwork(request, created, await engine.hostLinks()))) };
    },
  }),

  'worker.restart': command({
    doc: 'Kills a kernel worker and starts a new one; its actors are restored from the journal',
    role: 'admin',
    request: workerReferenceSchema,
    response: workerRestartedSchema,
    run: async (engine, { index }) => {
      await engine.restartWorker(index);
      return { index };
    },
  }),
} as const;

export type Commands = typeof commands;
export type CommandName = keyof Commands;
export type RequestOf<Name extends CommandName> = z.input<Commands[Name]['request']>;
export type ResponseOf<Name extends CommandName> = z.output<Commands[Name]['response']>;

export const commandNames = Object.keys(commands) as CommandName[];

/** `container.setup` → `['container', 'setup']` */
export function nounAndVerb(name: CommandName): [noun: string, verb: string] {
  return name.split('.') as [string, string];
}
