import {
  headers,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  PermissionViolationError,
  RequestError,
  TimeoutError,
} from '@nats-io/nats-core';
import { type EventFeed, type EventOptions, openEvents } from './bus/events/event-feed.ts';
import { idsInStream } from './bus/events/event-subjects.ts';
import { busErrorText } from './bus/server/bus-error.ts';
import { connectBus } from './bus/server/connection.ts';
import { discover, type Wanted } from './bus/server/discover.ts';
import { type NodeOnBus, nodesOn } from './bus/server/nodes.ts';
import { RepeatedRequests } from './bus/server/repeated-requests.ts';
import type { CallOptions } from './contract/call.ts';
import type { CommandName, ReplyOf, RequestOf } from './contract/commands.ts';
import type { ContainerMethods, NetworkMethods, NodeMethods, WorkerMethods } from './contract/methods.ts';
import { isCommandName, isQuery, nounAndVerb } from './contract/name-tables.ts';
import { commandSubject, type Noun } from './contract/subjects.ts';
import { type Fault, fault, NetloomError } from './core/fault.ts';

export type { EventFeed, EventOptions, StreamedEvent } from './bus/events/event-feed.ts';
export type { NodeOnBus } from './bus/server/nodes.ts';
export type { CallOptions } from './contract/call.ts';
export { type CloudEvent, isOmitted, type OmittedEvent, type WholeEvent } from './contract/cloud-event.ts';
export type { CommandName, ReplyOf, ReplyOf as ResponseOf, RequestOf } from './contract/commands.ts';
export { type Fault, type FaultCode, NetloomError } from './core/fault.ts';

/** Options of a client, all optional: `{}` connects to this host's daemon. */
export interface ClientOptions extends Wanted {
  /** maximum wait for an answer, default 30 s */
  timeoutMs?: number;
  /** shown by the server, default `netloom client` */
  name?: string;
  /** false: a lost connection is not made again, and `nc.closed()` resolves; default true */
  reconnect?: boolean;
}

/**
 * Connects to one daemon. `url` or NATS_URL gives the server, `creds` or NETLOOM_CREDS (or `user`, `token`, the URL) the user. Without
 * these it connects to this host's daemon, with the file that the daemon wrote for its admin, which root can read. A given file is used,
 * or an error names it.
 *
 * Throws NetloomError: bus.unreachable, bus.unauthorized; payload.invalid, name.invalid for options that contradict each other.
 *
 * ```ts
 * await using client = await connect({ creds: '/run/netloom/credentials/viewer.json' });
 * console.log(await client.info());
 * ```
 */
export async function connect(options: ClientOptions = {}): Promise<NetloomClient> {
  const { node, ...address } = discover(options, process.env);
  const nc = await connectBus({ ...address, name: options.name ?? 'netloom client', reconnect: options.reconnect });
  return new NetloomClient(nc, node, options.timeoutMs ?? 30_000);
}

/**
 * A client of one daemon. Every command is a method; each throws a NetloomError with the daemon's fault, or bus.unreachable,
 * bus.unauthorized, command.timeout.
 */
export class NetloomClient implements NodeMethods {
  constructor(
    /** the NATS connection, for direct use */
    readonly nc: NatsConnection,
    readonly node: string,
    private readonly timeoutMs: number,
  ) {
    this.repeated = new RepeatedRequests(nc);
  }

  private readonly repeated: RepeatedRequests;

  /** Commands about containers and their networks. */
  readonly container: ContainerMethods = {
    create: this.call('container.create'),
    setup: this.call('container.setup'),
    started: this.call('container.started'),
    exited: this.call('container.exited'),
    attach: this.call('container.attach'),
    detach: this.call('container.detach'),
    connect: this.call('container.connect'),
    disconnect: this.call('container.disconnect'),
    publish: this.call('container.publish'),
    unpublish: this.call('container.unpublish'),
    reload: this.call('container.reload'),
    inspect: this.call('container.inspect'),
    list: this.ask('container.list'),
    stats: this.call('container.stats'),
    teardown: this.call('container.teardown'),
    remove: this.call('container.remove'),
    plan: this.call('plan.container'),
  };

  /** Commands about networks. */
  readonly network: NetworkMethods = {
    create: this.call('network.create'),
    plan: this.call('plan.network'),
    inspect: this.call('network.inspect'),
    list: this.ask('network.list'),
    update: this.call('network.update'),
    remove: this.call('network.remove'),
    prune: this.call('network.prune'),
  };

  /** Commands about kernel workers. */
  readonly worker: WorkerMethods = { restart: this.call('worker.restart') };

  readonly info = this.ask('node.info');

  readonly firewalls = this.ask('node.firewalls');

  readonly gc = this.call('node.gc');

  /** Sends any command by name. Throws the daemon's fault, payload.invalid for an unknown name, bus.unreachable, bus.unauthorized, command.timeout. */
  async request<Name extends CommandName>(
    name: Name,
    request: RequestOf<Name>,
    { msgId, timeoutMs = this.timeoutMs }: CallOptions = {},
  ): Promise<ReplyOf<Name>> {
    if (!isCommandName(name))
      throw new NetloomError(fault('payload.invalid', `unknown command ${JSON.stringify(name)}`));
    const subject = commandSubject(this.node, ...nounAndVerb(name));
    const payload = JSON.stringify(request);
    let reply: Msg;
    try {
      // a command without an ID must not be sent twice
      reply =
        msgId !== undefined || isQuery(name)
          ? await this.repeated.send({
              subject,
              payload,
              timeoutMs,
              ...(msgId !== undefined && { headers: idHeader(msgId) }),
            })
          : await this.nc.request(subject, payload, { timeout: timeoutMs });
    } catch (error) {
      throw callFault(this.node, name, timeoutMs, error);
    }
    return outputOf(reply) as ReplyOf<Name>;
  }

  /** Yields events as they are committed; by default those of this client's node. */
  events(options: EventOptions = {}): EventFeed {
    const { node = this.node, timeoutMs = this.timeoutMs } = options;
    return openEvents(this.nc, { ...options, node, timeoutMs });
  }

  /** Lists the container IDs or network names that the stream has events of, for this client's node; includes removed ones. */
  idsInEvents(noun: Noun): Promise<string[]> {
    return idsInStream(this.nc, { node: this.node, noun }, this.timeoutMs);
  }

  /** Lists the daemons that share the server: waits until none has answered for `stallMs`. */
  async nodes(stallMs?: number): Promise<NodeOnBus[]> {
    try {
      return await nodesOn(this.nc, stallMs);
    } catch (error) {
      const message = `the daemons cannot be listed: ${busErrorText(error)}`;
      throw new NetloomError(fault('bus.unreachable', message), { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.nc.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private call<Name extends CommandName>(name: Name) {
    return (request: RequestOf<Name>, options?: CallOptions): Promise<ReplyOf<Name>> =>
      this.request(name, request, options);
  }

  private ask<Name extends CommandName>(name: Name) {
    return (options?: CallOptions): Promise<ReplyOf<Name>> => this.request(name, {} as RequestOf<Name>, options);
  }
}

function idHeader(msgId: string): MsgHdrs {
  const header = headers();
  header.set('Nats-Msg-Id', msgId);
  return header;
}

function outputOf(reply: Msg): unknown {
  const status = reply.headers?.get('Nats-Service-Error-Code');
  if (!status) return reply.json();
  throw new NetloomError(faultIn(reply, `${status} ${reply.headers?.get('Nats-Service-Error')}`));
}

/** Returns the fault in the body; for a foreign answer, which has none, the one in its header. */
function faultIn(reply: Msg, otherwise: string): Fault {
  try {
    const body = reply.json<Fault>();
    if (typeof body.code === 'string' && typeof body.message === 'string') return body;
  } catch {
    // not JSON: not netloom's
  }
  return fault('internal.unexpected', otherwise);
}

function callFault(node: string, name: CommandName, timeoutMs: number, error: unknown): NetloomError {
  const because = (why: Fault) => new NetloomError(why, { cause: error });
  const cause = error instanceof Error ? error.cause : undefined;
  if (error instanceof TimeoutError)
    return because(fault('command.timeout', `${name}: node ${node} did not answer within ${timeoutMs} ms`));
  if (error instanceof PermissionViolationError || cause instanceof PermissionViolationError)
    return because(fault('bus.unauthorized', `${name}: these credentials do not permit this command`));
  if (error instanceof RequestError && error.isNoResponders())
    return because(fault('bus.unreachable', `${name}: no answer from node ${node}: is its daemon running?`));
  return because(fault('bus.unreachable', `${name}: ${busErrorText(error)}`));
}
