import {
  headers,
  type Msg,
  type NatsConnection,
  PermissionViolationError,
  RequestError,
  TimeoutError,
} from '@nats-io/nats-core';
import type { CommandName, RequestOf, ResponseOf } from './bus/commands.ts';
import { type BusAddress, connectBus, defaultNodeName, roleAddress } from './bus/connection.ts';
import { credentialsFile, defaultRunDir, readCredentials } from './bus/credentials.ts';
import { type EventFeed, type EventOptions, openEvents } from './bus/event-feed.ts';
import { idsInStream } from './bus/event-subjects.ts';
import { type NodeOnBus, nodesOn } from './bus/nodes.ts';
import { commandSubject, type Noun } from './bus/subjects.ts';
import { type Fault, fault, NetloomError } from './core/fault.ts';

export type { CloudEvent } from './bus/cloud-event.ts';
export type { CommandName, RequestOf, ResponseOf } from './bus/commands.ts';
export type { EventFeed, EventOptions, StreamedEvent } from './bus/event-feed.ts';
export type { NodeOnBus } from './bus/nodes.ts';
export { type Fault, type FaultCode, NetloomError } from './core/fault.ts';

export interface ClientOptions extends Partial<BusAddress> {
  /** the node to talk to; default: NETLOOM_NODE, the credentials file's node, this host's name */
  node?: string;
  /** of the daemon, which keeps credentials there; default NETLOOM_RUN_DIR, /run/netloom */
  runDir?: string;
  /** how long an answer may take, default 30 s */
  timeoutMs?: number;
  /** shown by the server, default `netloom client` */
  name?: string;
}

export interface CallOptions {
  /**
   * the same request with the same id gets the first answer again, and nothing is done twice, for 10 minutes after that answer;
   * another request with it is refused (command.mismatch)
   */
  msgId?: string;
  timeoutMs?: number;
}

/**
 * Speaks to one daemon. Without a URL (option or NATS_URL) it is this host's daemon, by the credentials that the daemon
 * wrote down (NETLOOM_CREDS names another file). Throws NetloomError: bus.unreachable, bus.unauthorized.
 */
export async function connect(options: ClientOptions = {}): Promise<NetloomClient> {
  const { node, ...address } = discover(options, process.env);
  const nc = await connectBus({ ...address, name: options.name ?? 'netloom client' });
  return new NetloomClient(nc, node, options.timeoutMs ?? 30_000);
}

type Call<Name extends CommandName> = (request: RequestOf<Name>, options?: CallOptions) => Promise<ResponseOf<Name>>;
type Ask<Name extends CommandName> = (options?: CallOptions) => Promise<ResponseOf<Name>>;

export class NetloomClient {
  constructor(
    /** the connection below, for whoever wants more of NATS */
    readonly nc: NatsConnection,
    readonly node: string,
    private readonly timeoutMs: number,
  ) {}

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

  /** Every command, by name. Throws what the daemon answers, bus.unreachable, bus.unauthorized, command.timeout. */
  async request<Name extends CommandName>(
    name: Name,
    request: RequestOf<Name>,
    { msgId, timeoutMs = this.timeoutMs }: CallOptions = {},
  ): Promise<ResponseOf<Name>> {
    const [noun, verb] = name.split('.') as [string, string];
    const header = headers();
    if (msgId !== undefined) header.set('Nats-Msg-Id', msgId);
    let reply: Msg;
    try {
      reply = await this.nc.request(commandSubject(this.node, noun, verb), JSON.stringify(request), {
        timeout: timeoutMs,
        ...(msgId !== undefined && { headers: header }),
      });
    } catch (error) {
      throw callFault(this.node, name, timeoutMs, error);
    }
    return outputOf(reply) as ResponseOf<Name>;
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
  nodes(stallMs?: number): Promise<NodeOnBus[]> {
    return nodesOn(this.nc, stallMs);
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

type Environment = Record<string, string | undefined>;

/** Options first, then the environment, then what the daemon wrote down. */
function discover(options: ClientOptions, environment: Environment): BusAddress & { node: string } {
  const { url = environment.NATS_URL, creds = environment.NETLOOM_CREDS } = options;
  const file = creds?.endsWith('.json') ? creds : undefined;
  const nodeWanted = options.node ?? environment.NETLOOM_NODE;
  if (url !== undefined && file === undefined) return { ...options, url, creds, node: nodeWanted ?? defaultNodeName() };
  const runDir = options.runDir ?? environment.NETLOOM_RUN_DIR ?? defaultRunDir;
  const credentials = credentialsAt(file ?? credentialsFile(runDir, 'admin'));
  return { ...roleAddress({ ...credentials, url: url ?? credentials.url }), node: nodeWanted ?? credentials.node };
}

function credentialsAt(file: string) {
  let credentials: ReturnType<typeof readCredentials>;
  try {
    credentials = readCredentials(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const advice = code === 'EACCES' ? '; use sudo, or name a file that you may read (--creds, NETLOOM_CREDS)' : '';
    throw new NetloomError(
      fault('bus.unauthorized', `the credentials in ${file} cannot be read: ${message}${advice}`),
      {
        cause: error,
      },
    );
  }
  if (!credentials)
    throw new NetloomError(
      fault('bus.unreachable', `there are no credentials in ${file}: is the daemon running? (or say where NATS is)`),
    );
  return credentials;
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
    return because(fault('bus.unauthorized', `${name}: these credentials may not ask for it`));
  if (error instanceof RequestError && error.isNoResponders())
    return because(
      fault('bus.unreachable', `${name}: nobody answers for node ${node}: is the daemon of node ${node} running?`),
    );
  return because(fault('bus.unreachable', `${name}: the connection is lost: ${(error as Error).message}`));
}
