import { createHash } from 'node:crypto';
import { headers, type Msg, type NatsConnection, nuid } from '@nats-io/nats-core';
import { type Service, type ServiceConfig, ServiceErrorCodeHeader, ServiceErrorHeader, Svcm } from '@nats-io/services';
import { z } from 'zod';
import { type CommandName, commandNames, verbs } from '../../contract/commands.ts';
import { nounAndVerb } from '../../contract/name-tables.ts';
import { commandSubject } from '../../contract/subjects.ts';
import { type Fault, fault, faultOf, faultStatus, NetloomError } from '../../core/fault.ts';
import { span } from '../../threads/span.ts';
import { type BusLog, silent } from '../server/log.ts';
import type { CommandIdentity, Engine } from './engine-interface.ts';
import { checkedRequest, runs } from './runs.ts';

export interface ServiceOptions {
  nc: NatsConnection;
  engine: Engine;
  node: string;
  version: string;
  log?: BusLog;
}

export interface CommandService {
  readonly service: Service;
  /** stops accepting commands, and resolves when the accepted ones are answered */
  stop(): Promise<void>;
}

interface Served {
  nc: NatsConnection;
  engine: Engine;
  log: BusLog;
}

/** Puts the command table on the bus as the NATS micro service `netloom`. */
export async function serveCommands(options: ServiceOptions): Promise<CommandService> {
  const { nc, engine, node, version, log = silent } = options;
  const endpoints = new Map(commandNames.map((name) => [endpointName(name), new Endpoint(name, { nc, engine, log })]));
  // No queue group (an empty name spells "none"): the node is in the subject, so no other daemon shares the work.
  const service = await new Svcm(nc).add({
    name: 'netloom',
    version,
    description: `container networks of ${node}`,
    metadata: { node },
    queue: '',
    statsHandler: async ({ name }: { name?: string }) => endpoints.get(name ?? '')?.statistics() ?? null,
  } as ServiceConfig);
  for (const [name, endpoint] of endpoints)
    service.addEndpoint(name, {
      subject: commandSubject(node, ...nounAndVerb(endpoint.command)),
      metadata: endpointMetadata(endpoint.command),
      handler: (_error, message) => endpoint.take(message),
    });
  return {
    service,
    async stop() {
      await service.stop();
      await Promise.all([...endpoints.values()].map((endpoint) => endpoint.idle()));
      if (!nc.isClosed()) await nc.flush();
    },
  };
}

/** Serves one subject: accepts requests as they arrive, and does not wait for one before the next. */
class Endpoint {
  readonly #underWay = new Set<Promise<void>>();
  #refused = 0;

  constructor(
    readonly command: CommandName,
    private readonly served: Served,
  ) {}

  take(message: Msg): void {
    if (!hasInbox(message)) {
      const { subject, reply } = message;
      this.served.log.warn({ subject, reply }, 'dropped a command without an inbox for its answer');
      return;
    }
    const answered = span(this.command, () => this.#answer(message)).finally(() => this.#underWay.delete(answered));
    this.#underWay.add(answered);
  }

  async idle(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** The library sees only that a request was accepted; this records its result. */
  statistics() {
    return { refused: this.#refused, underWay: this.#underWay.size };
  }

  async #answer(message: Msg): Promise<void> {
    try {
      if (await answer(this.command, this.served, message)) this.#refused++;
    } catch (error) {
      this.served.log.warn({ command: this.command, error }, 'an answer could not be sent');
    }
  }
}

/** Replaces dots: a name of the micro service protocol has none. */
const endpointName = (name: CommandName): string => name.replace('.', '-');

function endpointMetadata(name: CommandName): Record<string, string> {
  const { doc, role, request, reply } = verbs[name];
  const schema = (type: z.ZodType, io: 'input' | 'output') =>
    JSON.stringify(inPlace(z.toJSONSchema(type, { io, unrepresentable: 'any' })));
  return { doc, role, request: schema(request, 'input'), response: schema(reply, 'output') };
}

/** Moves the fields of a named schema from its own `$defs` to the top, where readers look for them. */
function inPlace({ $ref, ...schema }: z.core.JSONSchema.BaseSchema): object {
  return $ref === undefined ? schema : { ...schema, ...schema.$defs?.[$ref.slice('#/$defs/'.length)] };
}

/** Sends exactly one reply to a request. Never rejects. */
async function answer(name: CommandName, { engine, nc, log }: Served, message: Msg): Promise<Fault | null> {
  try {
    const output = await perform(name, engine, message);
    const text = span('encode', () => encode(output));
    const refusal = tooLarge(text, nc);
    if (refusal) throw refusal;
    message.respond(text);
    return null;
  } catch (error) {
    if (!(error instanceof NetloomError)) log.error({ command: name, error }, 'a command failed unexpectedly');
    return refuse(message, faultOf(error));
  }
}

function tooLarge(text: string, nc: NatsConnection): NetloomError | null {
  const most = nc.info?.max_payload ?? Number.POSITIVE_INFINITY;
  if (text.length * 3 <= most || Buffer.byteLength(text) <= most) return null;
  const message = `the answer has ${Buffer.byteLength(text)} bytes, the NATS server carries ${most} (its max_payload)`;
  return new NetloomError(fault('payload.too-large', message));
}

/**
 * Checks whether a reply subject is an inbox. A client that may ask the daemon, JetStream or `$SRV` for something can name any
 * subject as the reply subject, also a command's, and the reply is then published there with rights that the client does
 * not have. Such replies have no reply subject themselves, and messages of a consumer have `$JS.ACK…`: by this rule
 * neither is ever taken for a command.
 */
function hasInbox({ reply }: Msg): boolean {
  return reply !== undefined && reply !== '' && !reply.startsWith('$') && !reply.startsWith('netloom.');
}

async function perform<C extends CommandName>(name: C, engine: Engine, message: Msg): Promise<unknown> {
  const parsed = span('decode', () => checkedRequest(name, message.data));
  const identity = identityOf(message, name, parsed);
  const first = engine.firstAnswer(identity);
  if (first) return first;
  try {
    return await runs[name](engine, parsed, identity);
  } catch (error) {
    // the command was done long ago: by now its name may be ambiguous or unknown
    const known = engine.firstAnswer(identity);
    if (known) return known;
    throw error;
  }
}

/** Short and plain IDs, because they become keys in the journal. */
const messageIdPattern = /^[\x21-\x7e]{1,128}$/;

function identityOf({ headers }: Msg, name: CommandName, request: unknown): CommandIdentity {
  const id = headers?.get('Nats-Msg-Id');
  if (!id) return { id: nuid.next(), kept: false };
  if (!messageIdPattern.test(id))
    throw new NetloomError(fault('payload.invalid', 'Nats-Msg-Id: expected 1 to 128 visible ASCII characters'));
  return { id, kept: true, fingerprint: fingerprintOf(name, request) };
}

/** B09: Hashes a request: the same for the same content, in any order of fields; `null` counts as absent. */
function fingerprintOf(name: CommandName, request: unknown): string {
  const words = JSON.stringify(request, (_key, value) => (value === null ? undefined : sorted(value)));
  return `${name} ${createHash('sha256').update(words).digest('base64url')}`;
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}

const encode = (output: unknown): string => JSON.stringify(output ?? {});

/** Shortens a message that quotes a request of up to a megabyte: the reply must fit into what the server carries. */
const longestMessage = 2_000;

function refuse(message: Msg, why: Fault): Fault {
  const short = why.message.length > longestMessage ? `${why.message.slice(0, longestMessage)}…` : why.message;
  const header = headers();
  header.set(ServiceErrorCodeHeader, String(faultStatus[why.code]));
  header.set(ServiceErrorHeader, short.replaceAll(/\s+/g, ' '));
  message.respond(encode({ ...why, message: short }), { headers: header });
  return why;
}
