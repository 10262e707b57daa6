import { type CheckedRequest, type CommandName, type ReplyOf, requestSchema } from '../../contract/commands.ts';
import { parsePayload } from '../../contract/payload.ts';
import { hostAddress } from '../../core/actor-address.ts';
import { askedAttachment, attachmentBeside } from '../../core/container/attachments.ts';
import { containerWish } from '../../core/container/wish.ts';
import { fileOf } from '../../core/network/file.ts';
import { proposedNetwork } from '../../core/network/proposal.ts';
import { networkWish } from '../../core/network/wish.ts';
import { publishedPorts } from '../../core/port.ts';
import { attach, detach } from './attach.ts';
import type { CommandIdentity, Engine } from './engine-interface.ts';
import { runGc } from './gc.ts';
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

/** A function that carries out a command. */
type Run<C extends CommandName> = (
  engine: Engine,
  request: CheckedRequest<C>,
  command: CommandIdentity,
) => ReplyOf<C> | Promise<ReplyOf<C>>;

/** Every command of the contract. */
export const runs: { readonly [C in CommandName]: Run<C> } = {
  'node.info': (engine) => engine.info(),
  'node.firewalls': (engine) => engine.firewalls(),
  'node.gc': runGc,
  'network.create': (engine, request, command) =>
    tellNetwork(engine, request.name, command, {
      type: 'network.create',
      command: command.id,
      wish: checked(networkWish(request)),
      created: new Date().toISOString(),
    }),
  'network.inspect': async (engine, { name }) => {
    const { network, ...asOf } = engine.network(name);
    return { network, dropped: await engine.droppedOn(network), ...asOf };
  },
  'network.list': (engine) => engine.networks(),
  'network.remove': (engine, { name, force }, command) =>
    tellNetwork(engine, nameOrItself(engine, name), command, {
      type: 'network.remove',
      command: command.id,
      ...(force && { force }),
    }),
  'network.update': (engine, { name, addDnsServers, removeDnsServers, dnsServers, options }, command) =>
    tellNetwork(engine, engine.networkNamed(name), command, {
      type: 'network.update',
      command: command.id,
      addDnsServers: checkedAddresses(addDnsServers ?? []),
      removeDnsServers: checkedAddresses(removeDnsServers ?? []),
      ...(dnsServers && { dnsServers: checkedAddresses(dnsServers) }),
      ...(options && { options }),
    }),
  'network.prune': (engine, { names }, command) =>
    engine.send(command, hostAddress, {
      type: 'networks.prune',
      command: command.id,
      ...(names && { names }),
      except: engine.defaultNetwork,
    }),
  'container.create': (engine, request, command) =>
    tellContainer(engine, request.id, command, {
      type: 'container.create',
      command: command.id,
      wish: namedWish(engine, checked(containerWish(request, engine.defaultNetwork))),
    }),
  'container.setup': (engine, request, command) =>
    tellContainer(engine, request.id, command, {
      type: 'container.setup',
      command: command.id,
      wish: setupWish(engine, request),
      ...(request.startWithinMs && { startWithinMs: request.startWithinMs }),
      ...(request.isNew && { isNew: true }),
      overrides: request.networkOverrides ? namedAttachments(engine, request.id, request.networkOverrides) : null,
    }),
  'container.started': (engine, { pid, reportsExit, ...reference }, command) =>
    tellContainer(engine, idOrItself(engine, reference), command, {
      type: 'container.started',
      command: command.id,
      pid,
      ...(reportsExit && { reportsExit }),
    }),
  'container.exited': (engine, { pid, exitCode, ...reference }, command) =>
    tellContainer(engine, idOrItself(engine, reference), command, {
      type: 'container.exited',
      command: command.id,
      pid,
      exitCode,
    }),
  'container.connect': (engine, { id: reference, exact, ...request }, command) => {
    const id = idOrItself(engine, { id: reference, exact });
    const asked = { ...request, network: joinedNetwork(engine, request.network) };
    const attachment = askedAttachment(asked, engine.defaultNetwork);
    checked(attachmentBeside([], id, attachment));
    return tellContainer(engine, id, command, { type: 'container.connect', command: command.id, attachment });
  },
  'container.disconnect': (engine, { network, ...reference }, command) =>
    tellContainer(engine, idOrItself(engine, reference), command, {
      type: 'container.disconnect',
      command: command.id,
      network: nameOrItself(engine, network),
    }),
  'container.publish': (engine, { ports, ...reference }, command) =>
    tellContainer(engine, idOrItself(engine, reference), command, {
      type: 'container.publish',
      command: command.id,
      ports: checked(publishedPorts(ports)),
    }),
  'container.unpublish': (engine, { ports, ...reference }, command) =>
    tellContainer(engine, idOrItself(engine, reference), command, {
      type: 'container.unpublish',
      command: command.id,
      ports: checked(publishedPorts(ports)),
    }),
  'container.attach': attach,
  'container.detach': detach,
  'container.reload': (engine, reference, command) =>
    tellContainer(engine, idOrItself(engine, reference), command, {
      type: 'container.reload',
      command: command.id,
    }),
  'container.inspect': async (engine, reference) => {
    const inspection = engine.inspect(idOf(engine, reference));
    return { ...inspection, dropped: await engine.droppedOf(inspection.container) };
  },
  'container.list': (engine) => engine.containers(),
  'container.stats': (engine, reference) => engine.statistics(idOf(engine, reference)),
  'container.teardown': (engine, { force, ...reference }, command) =>
    tellContainer(engine, idOrItself(engine, reference), command, {
      type: 'container.teardown',
      command: command.id,
      ...(force && { force }),
    }),
  'container.remove': (engine, { force, ...reference }, command) =>
    tellContainer(engine, idOrItself(engine, reference), command, {
      type: 'container.remove',
      command: command.id,
      from: null,
      ...(force && { force }),
    }),
  'plan.container': (engine, request) => engine.plan(setupWish(engine, request) ?? engine.wishOf(request.id)),
  'plan.network': async (engine, request) => {
    const created = new Date().toISOString();
    return { definition: fileOf(checked(proposedNetwork(request, created, await engine.hostLinks()))) };
  },
  'worker.restart': async (engine, { index }) => {
    await engine.restartWorker(index);
    return { index };
  },
};

/** Decodes the payload of a command. Throws payload.too-large, payload.malformed, or the code of the first invalid field. */
export const checkedRequest = <C extends CommandName>(name: C, payload: Uint8Array): CheckedRequest<C> =>
  parsePayload(requestSchema(name), payload);
