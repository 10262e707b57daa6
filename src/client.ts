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
import { isCommandName, isQuery } from './contract/names.ts';
import { commandSubject, type Noun } from './contract/subjects.ts';
import type { CommandName, ReplyOf, RequestOf } from './contract/verbs.ts';
import { type Fault, fault, NetloomError } from './core/fault.ts';

export type { EventFeed, EventOptions, StreamedEvent } from './bus/events/event-feed.ts';
export type { NodeOnBus } from './bus/server/nodes.ts';
export type { CloudEvent } from './contract/cloud-event.ts';
export type { CommandName, ReplyOf, ReplyOf as ResponseOf, RequestOf } from './contract/verbs.ts';
export { type Fault, type FaultCode, NetloomError } from './core/fault.ts';

/** All optional: `{}` is this host's daemon. */
export interface ClientOptions extends Wanted {
  /** how long an answer may take, default 30 s */
  timeoutMs?: number;
  /** shown by the server, default `netloom client` */
  name?: string;
  /** false: a connection that is lost is not made anew, and `nc.closed()` tells; default true */
  reconnect?: boolean;
}

export interface CallOptions {
  /**
   * the same request with the same id gets the first answer again, and nothing is done twice, for 10 minutes after that answer;
   * another request with it is refused (command.mismatch). A command with an id is sent again by itself when the connection was lost
   * before its answer came; queries are, too
   */
  msgId?: string;
  timeoutMs?: number;
}

/**
 * Connects to one daemon. `url` or NATS_URL says where, `creds` or NETLOOM_CREDS (or `user`, `token`, the URL) as whom. When nothing
 * says so it is this host's daemon, by the file that it wrote for its admin, which root can read. A file that was named is used, or
 * an error names it.
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

type Call<Name extends CommandName> = (request: RequestOf<Name>, options?: CallOptions) => Promise<ReplyOf<Name>>;
type Ask<Name extends CommandName> = (options?: CallOptions) => Promise<ReplyOf<Name>>;

export class NetloomClient {
  constructor(
    /** the connection below, for whoever wants more of NATS */
    readonly nc: NatsConnection,
    readonly node: string,
    private readonly timeoutMs: number,
  ) {
    this.repeated = new RepeatedRequests(nc);
  }

  private readonly repeated: RepeatedRequests;

  readonly container = {
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

  readonly network = {
    create: this.call('network.create'),
    plan: this.call('plan.network'),
    inspect: this.call('network.inspect'),
    list: this.ask('network.list'),
    update: this.call('network.update'),
    remove: this.call('network.remove'),
    prune: this.call('network.prune'),
  };

  readonly worker = { restart: this.call('worker.restart') };

  readonly info = this.ask('node.info');

  /** What firewalls beside netloom's drop of the networks' traffic, and what lets it pass. */
  readonly firewalls = this.ask('node.firewalls');

  /** Every command, by name. Throws what the daemon answers, payload.invalid for an unknown name, bus.unreachable, bus.unauthorized, command.timeout. */
  async request<Name extends CommandName>(
    name: Name,
    request: RequestOf<Name>,
    { msgId, timeoutMs = this.timeoutMs }: CallOptions = {},
  ): Promise<ReplyOf<Name>> {
    if (!isCommandName(name))
      throw new NetloomError(fault('payload.invalid', `unknown command ${JSON.stringify(name)}`));
    const [noun, verb] = name.split('.') as [string, string];
    const subject = commandSubject(this.node, noun, verb);
    const payload = JSON.stringify(request);
    let reply: Msg;
    try {
      // without an id a command may not be sent twice
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

  /** Facts as they are committed; of this client's node unless said otherwise. */
  events(options: EventOptions = {}): EventFeed {
    const { node = this.node, timeoutMs = this.timeoutMs } = options;
    return openEvents(this.nc, { ...options, node, timeoutMs });
  }

  /** Of whom the stream still has events of this client's node: ids of containers, names of networks, also those that are gone. */
  idsInEvents(noun: Noun): Promise<string[]> {
    return idsInStream(this.nc, { node: this.node, noun }, this.timeoutMs);
  }

  /** Every daemon that shares the server: those that answer until none has answered for that long. */
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

  private call<Name extends CommandName>(name: Name): Call<Name> {
    return (request, options) => this.request(name, request, options);
  }

  private ask<Name extends CommandName>(name: Name): Ask<Name> {
    return (options) => this.request(name, {} as RequestOf<Name>, options);
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

/** The body is the fault; a foreign answer has none, and its header must do. */
function faultIn(reply: Msg, otherwise: string): Fault {
  try {
    const body = reply.json<Fault>();
    if (typeof body.code === 'string' && typeof body.message === 'string') return body;
  } catch {
    // not JSON: not ours
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
