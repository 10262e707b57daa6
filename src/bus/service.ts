import { headers, type Msg, type NatsConnection, nuid } from '@nats-io/nats-core';
import { type Service, ServiceErrorCodeHeader, ServiceErrorHeader, Svcm } from '@nats-io/services';
import { z } from 'zod';
import { type Fault, fault, faultOf, faultStatus, NetloomError } from '../core/fault.ts';
import { type CommandIdentity, type CommandName, commandNames, commands, nounAndVerb } from './commands.ts';
import type { Engine } from './engine.ts';
import { type BusLog, silent } from './log.ts';
import { parsePayload } from './messages.ts';
import { commandSubject } from './subjects.ts';

export interface ServiceOptions {
  nc: NatsConnection;
  engine: Engine;
  node: string;
  version: string;
  log?: BusLog;
}

export interface CommandService {
  readonly service: Service;
  /** takes no more commands, and resolves when those that were taken are answered */
  stop(): Promise<void>;
}

/** Puts the command table on the bus as the NATS micro service `netloom`. */
export async function serveCommands({
  nc,
  engine,
  node,
  version,
  log = silent,
}: ServiceOptions): Promise<CommandService> {
  const running = new Set<Promise<void>>();
  // No queue group (an empty name spells "none"): the node is in the subject, so nobody shares the work.
  const service = await new Svcm(nc).add({
    name: 'netloom',
    version,
    description: `container networks of ${node}`,
    metadata: { node },
    queue: '',
  });
  for (const name of commandNames) {
    service.addEndpoint(name.replace('.', '-'), {
      subject: commandSubject(node, ...nounAndVerb(name)),
      metadata: endpointMetadata(name),
      handler: (_error, message) => {
        const answered = answer(name, engine, message, log).finally(() => running.delete(answered));
        running.add(answered);
      },
    });
  }
  return {
    service,
    async stop() {
      await service.stop();
      await Promise.all(running);
      if (!nc.isClosed()) await nc.flush();
    },
  };
}

function endpointMetadata(name: CommandName): Record<string, string> {
  const { doc, role, request, response } = commands[name];
  const schema = (type: z.ZodType, io: 'input' | 'output') => JSON.stringify(z.toJSONSchema(type, { io }));
  return { doc, role, request: schema(request, 'input'), response: schema(response, 'output') };
}

/** One request, one answer, whatever happens. Never rejects. */
async function answer(name: CommandName, engine: Engine, message: Msg, log: BusLog): Promise<void> {
  if (!hasInbox(message)) {
    log.warn({ subject: message.subject, reply: message.reply }, 'dropped a command without an inbox for its answer');
    return;
  }
  try {
    try {
      const output = await perform(name, engine, message);
      message.respond(encode(output));
    } catch (error) {
      refuse(message, faultOf(error));
      if (!(error instanceof NetloomError)) log.error({ command: name, error }, 'a command failed unexpectedly');
    }
  } catch (error) {
    log.warn({ command: name, error }, 'an answer could not be sent');
  }
}

/**
 * A command says where its answer goes, and that is an inbox. Whoever may ask the daemon, JetStream or `$SRV` for
 * something can name any subject as the reply subject, a command's too, and the answer is then published there with
 * rights that the asker does not have. Such answers have no reply subject themselves, and what a consumer delivers has
 * `$JS.ACK…`: by this rule neither is ever taken for a command.
 */
function hasInbox({ reply }: Msg): boolean {
  return reply !== undefined && reply !== '' && !reply.startsWith('$') && !reply.startsWith('netloom.');
}

function perform(name: CommandName, engine: Engine, message: Msg): unknown {
  const identity = identityOf(message);
  const { request, run } = commands[name];
  return run(engine, parsePayload(request, message.data) as never, identity);
}

/** It becomes a key in the journal, so it is kept short and plain. */
const messageIdPattern = /^[\x21-\x7e]{1,128}$/;

function identityOf({ headers }: Msg): CommandIdentity {
  const id = headers?.get('Nats-Msg-Id');
  if (!id) return { id: nuid.next(), kept: false };
  if (!messageIdPattern.test(id))
    throw new NetloomError(fault('payload.invalid', 'Nats-Msg-Id: expected 1 to 128 visible ASCII characters'));
  return { id, kept: true };
}

const encode = (output: unknown): string => JSON.stringify(output ?? {});

function refuse(message: Msg, why: Fault): void {
  const header = headers();
  header.set(ServiceErrorCodeHeader, String(faultStatus[why.code]));
  header.set(ServiceErrorHeader, why.message.replaceAll(/\s+/g, ' '));
  message.respond(encode(why), { headers: header });
}
