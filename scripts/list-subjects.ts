/**
 * Writes what clients are promised from the tables that keep the promise: docs/subjects.md, docs/asyncapi.json,
 * docs/errors.md. `npm run docs:subjects`; a test fails when they are stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { z } from 'zod';
import { type CommandName, commandNames, commands, nounAndVerb } from '../src/bus/commands.ts';
import { faultSchema } from '../src/bus/replies.ts';
import { commandSubject } from '../src/bus/subjects.ts';
import { type FaultCode, faultStatus } from '../src/core/fault.ts';

/** One line of meaning per code; the compiler asks for a line when a code is added. */
const meanings: Record<FaultCode, string> = {
  'payload.malformed': 'the payload is not valid UTF-8 or not valid JSON',
  'payload.too-large': 'the request has more than 1 MiB, or the answer more than the NATS server carries',
  'payload.invalid': 'a field has the wrong shape, or fields contradict each other; the message names the field',
  'id.invalid':
    'a container id is missing or is not 1 to 250 characters of `[A-Za-z0-9_.-]` (no dot first), or a reference cannot be one',
  'name.invalid':
    'the name of a container or a network, or an alias, is missing or invalid; or the name of a new network is reserved for a mode',
  'mode.unknown': 'unknown network mode',
  'mode.unsupported': 'this version does not support that mode, driver or option',
  'mode.conflict':
    "the mode does not go with the networks or ports that were asked for, the namespace is the host's own, or the ports are on a network without firewall rules",
  'address.invalid': 'invalid IP or MAC address, or an address on which no port can be published',
  'address.outside-subnet': 'an address is in no subnet of the network',
  'subnet.invalid': 'a subnet is invalid, or overlaps another one of the same network',
  'route.unreachable':
    'the gateway of a route is on no network of the container; the message names network, destination and gateway',
  'port.invalid': 'invalid port, port range or protocol',
  'port.overlap': 'two port mappings of one container map the same host port to different container ports',
  'netns.cycle': 'containers would share a namespace in a circle',
  'container.unknown': 'there is no such container',
  'network.unknown': 'there is no such network',
  'link.unknown': 'this host has no such network interface, or no default route whose interface could be used',
  'worker.unknown': 'there is no such kernel worker',
  'netns.gone': 'the network namespace no longer exists',
  'process.gone': 'the process no longer exists',
  'address.taken': 'another container has the address',
  'address.exhausted': 'the network has no free address left',
  'subnet.taken': 'the subnet overlaps another network, or a route of this host',
  'subnet.exhausted': 'there is no free subnet left to choose',
  'port.taken':
    "another container publishes the host port (the message names it), or a process of this host has it (`ss -lnp 'sport = :<port>'` shows which)",
  'port.unavailable': 'the host port cannot be bound: this host has no such address or protocol, or forbids it',
  'link.exists': "a network interface of that name exists and is not netloom's, or differs",
  'mtu.too-large': 'the MTU is larger than that of the parent interface; the message states both',
  'mtu.too-small':
    'the MTU of the parent interface is too small for the IPv6 subnets of the network; the message states both',
  'mac.taken': 'another interface on the same parent has that MAC address, or has the parent for itself (passthru)',
  'bridge.full': 'a bridge takes at most 1,023 ports, and this one has that many',
  'container.exists': 'the container already exists, with another wish',
  'container.running':
    'the process of the container runs, or that of a container that shares its namespace; the message has its pid or that container, and `force` removes the network anyway',
  'container.connected': 'the container is already on that network',
  'container.not-connected': 'the container is not on that network',
  'port.unknown': 'the container does not publish that port',
  'container.state': 'the container is not in a state in which this can be done',
  'container.ambiguous': 'several containers have the name, or an id with that beginning; the message lists them',
  'network.ambiguous': 'the beginning of an id fits several networks; the message lists them',
  'network.damaged': "the file of the network's definition, or its name, is invalid; the file is left as it is",
  'network.exists': 'the network already exists',
  'network.in-use': 'containers use the network',
  'container.busy': 'the container or network is being changed; try again',
  'kernel.refused': 'the kernel refused a step; `errno`, `step` and `detail` say which and why',
  'worker.lost': 'a kernel worker ended during its work; it is started again and continues from the journal',
  'internal.unexpected': 'a defect of netloom',
  'node.recovering': 'the daemon has just started and compares the kernel with its journal; try again',
  'node.draining': 'the daemon is shutting down',
  'node.running': 'another daemon uses the same run directory',
  'node.unprivileged': 'the daemon needs root: it cannot write its run directory, or privileges are missing',
  'bus.unreachable': 'no NATS server answers, or no daemon of that node does (raised by the client)',
  'bus.unauthorized':
    'the NATS server refuses the credentials, or their role may not send this command (raised by the client)',
  'directory.unsafe':
    'the run or state directory of the daemon, or one within it, belongs to another user or can be written by others',
  'directory.lost':
    'the run directory was removed or replaced while the daemon used it; the daemon ends, and networks stay as they are',
  'bus.no-jetstream': 'the NATS server has no JetStream, which stores the events, or not for this account',
  'bus.open': 'the NATS server accepts clients without credentials, and --allow-open-server is not given',
  'storage.full': 'the disk has no room for what the command must store; the message names the directory',
  'inotify.exhausted':
    'the daemon cannot watch its files, because programs of this host use all inotify instances or watches; the message names the settings to raise',
  'command.timeout': 'no answer came in time; the command may still be carried out (raised by the client)',
  'command.mismatch': 'the `Nats-Msg-Id` was used for another command, or for the same one with another request',
  'dhcp.timeout': 'no DHCP server assigned an address within 5 s; the message states what was received instead',
  'dhcp.refused': 'the DHCP server revoked the lease; the container has no address there until a server assigns one',
  'dhcp.expired':
    'the DHCP lease ended and no server renewed it; the container has no address there until a server assigns one',
};

export const errorTable = (): string =>
  table(
    ['code', 'status', 'meaning'],
    Object.entries(faultStatus).map(([code, status]) => [`\`${code}\``, `${status}`, meanings[code as FaultCode]]),
  );

// ---- docs/subjects.md

export const commandSections = (): string => commandNames.map(commandSection).join('\n');

function commandSection(name: CommandName): string {
  const { doc, role, request, response } = commands[name];
  const [noun, verb] = nounAndVerb(name);
  return [
    `### ${name}`,
    '',
    `${doc}.`,
    '',
    `\`${commandSubject('NODE', noun, verb).replace('NODE', '<node>')}\` · role: ${role} or above`,
    '',
    fieldTable('request', jsonSchema(request, 'input')),
    fieldTable('answer', jsonSchema(response, 'output')),
  ].join('\n');
}

interface Schema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
}

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output'): Schema =>
  z.toJSONSchema(schema, { io, target: 'draft-7' }) as Schema;

function fieldTable(title: string, schema: Schema): string {
  const rows = fields(schema, '');
  if (rows.length === 0) return `${title}: \`{}\`\n`;
  return `${table([title, 'type', 'is'], rows)}\n`;
}

/** `networks[].network` | `string` | … */
function fields(schema: Schema, prefix: string): string[][] {
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const inner = unwrap(property);
    const path = `${prefix}${name}`;
    const optional = !required.has(name);
    // In a request null is as good as absent, which the question mark says already.
    const type = typeName(optional ? inner : property);
    const row = [`\`${path}${optional ? '?' : ''}\``, type, property.description ?? inner.description ?? ''];
    return [row, ...nested(inner, path)];
  });
}

function nested(schema: Schema, path: string): string[][] {
  if (schema.items) return nested({ ...unwrap(schema.items) }, `${path}[]`);
  if (schema.properties) return fields(schema, `${path}.`);
  if (typeof schema.additionalProperties === 'object') return nested(unwrap(schema.additionalProperties), `${path}.*`);
  return [];
}

/** What a `nullish` field is when it is there. */
function unwrap(schema: Schema): Schema {
  return schema.anyOf?.find(({ type }) => type !== 'null') ?? schema;
}

function typeName(schema: Schema): string {
  if (schema.anyOf) return schema.anyOf.map(typeName).join(' or ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum)
    return schema.enum.length > 12 ? 'string' : schema.enum.map((value) => JSON.stringify(value)).join(', ');
  if (schema.items) return `list of ${typeName(schema.items)}`;
  if (typeof schema.additionalProperties === 'object' && !schema.properties)
    return `map to ${typeName(schema.additionalProperties)}`;
  return schema.type === undefined ? 'anything' : [schema.type].flat().join(' or ');
}

// ---- docs/asyncapi.json

export function asyncApi(version: string): object {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'netloom',
      version,
      description: 'Commands to a node and the facts that it announces, over NATS. docs/subjects.md says it in words.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: {
      ...Object.fromEntries(commandNames.flatMap(commandChannels)),
      events: {
        address: 'netloom.v1.{node}.evt.{noun}.{id}.{fact}',
        description: 'kept in the JetStream stream NETLOOM_EVENTS',
        parameters: {
          node: nodeParameter,
          noun: { enum: ['container', 'network', 'node'] },
          id: { description: 'id of the container, name of the network or of the node; a dot is written %2E' },
          fact: { description: 'docs/subjects.md lists them' },
        },
        messages: { event: { $ref: '#/components/messages/event' } },
      },
    },
    operations: {
      ...Object.fromEntries(commandNames.map(commandOperation)),
      events: { action: 'send', channel: { $ref: '#/channels/events' }, summary: 'Facts, after they were committed' },
    },
    components: { messages: { fault: faultMessage, event: eventMessage } },
  };
}

const nodeParameter = { description: 'name of the node' };

const channelName = (name: CommandName): string => name.replace('.', '-');

function commandChannels(name: CommandName): [string, object][] {
  const { request, response } = commands[name];
  const [noun, verb] = nounAndVerb(name);
  return [
    [
      channelName(name),
      {
        address: `netloom.v1.{node}.${noun}.${verb}`,
        parameters: { node: nodeParameter },
        messages: {
          request: {
            headers: {
              type: 'object',
              properties: {
                'Nats-Msg-Id': {
                  type: 'string',
                  description: 'the same request with the same id gets the first answer',
                },
              },
            },
            payload: jsonSchema(request, 'input'),
          },
        },
      },
    ],
    [
      `${channelName(name)}-answer`,
      {
        address: null,
        messages: {
          answer: { payload: jsonSchema(response, 'output') },
          fault: { $ref: '#/components/messages/fault' },
        },
      },
    ],
  ];
}

function commandOperation(name: CommandName): [string, object] {
  const channel = `#/channels/${channelName(name)}`;
  return [
    channelName(name),
    {
      action: 'receive',
      channel: { $ref: channel },
      summary: commands[name].doc,
      messages: [{ $ref: `${channel}/messages/request` }],
      reply: {
        address: { location: '$message.header#/reply', description: 'the inbox that the request names' },
        channel: { $ref: `${channel}-answer` },
        messages: [{ $ref: `${channel}-answer/messages/answer` }, { $ref: `${channel}-answer/messages/fault` }],
      },
    },
  ];
}

const faultMessage = {
  summary: 'why it was refused or failed; docs/errors.md lists the codes',
  headers: {
    type: 'object',
    properties: {
      'Nats-Service-Error-Code': { type: 'string', description: 'the status of the code' },
      'Nats-Service-Error': { type: 'string', description: 'the message, on one line' },
    },
  },
  payload: jsonSchema(faultSchema, 'output'),
};

const eventMessage = {
  summary: 'a fact as CloudEvents 1.0, structured mode',
  contentType: 'application/cloudevents+json',
  headers: {
    type: 'object',
    properties: { 'Nats-Msg-Id': { type: 'string', description: 'the id of the event' } },
  },
  payload: jsonSchema(
    z.object({
      specversion: z.literal('1.0'),
      id: z.string().describe('<epoch of the journal>.<sequence>'),
      source: z.string().describe('/netloom/<node>/<noun>/<id>'),
      type: z.string().describe('dev.netloom.<noun>.<fact>'),
      subject: z.string().describe('id of the container, name of the network or of the node'),
      time: z.iso.datetime().describe('when it was committed'),
      datacontenttype: z.literal('application/json'),
      sequence: z.string().describe('number of the fact on its node, 16 digits'),
      data: z.record(z.string(), z.unknown()),
    }),
    'output',
  ),
};

// ---- writing

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export const markers = ['<!-- generated by npm run docs:subjects -->', '<!-- end of what is generated -->'] as const;

/** The file's text with what stands between the markers replaced. */
export function withGenerated(text: string, generated: string): string {
  const [begin, end] = markers.map((marker) => text.indexOf(marker)) as [number, number];
  if (begin === -1 || end < begin) throw new Error('the file has lost its markers');
  return `${text.slice(0, begin + markers[0].length)}\n${generated}\n${text.slice(end)}`;
}

async function write(root: string): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const rewrite = (file: string, generated: string) =>
    writeFileSync(join(root, file), withGenerated(readFileSync(join(root, file), 'utf8'), generated));
  rewrite('docs/subjects.md', commandSections());
  rewrite('docs/errors.md', errorTable());
  writeFileSync(join(root, 'docs/asyncapi.json'), `${JSON.stringify(asyncApi(version), null, 2)}\n`);
  await execa('npx', ['biome', 'format', '--write', 'docs/asyncapi.json'], { cwd: root });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await write(process.cwd());
