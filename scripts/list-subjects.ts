/**
 * Writes what clients are promised from the tables that keep the promise: docs/subjects.md, docs/asyncapi.json,
 * docs/errors.md. `npm run docs:subjects`; a test fails when they are stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { z } from 'zod';
import type { FactEntry } from '../src/contract/fact.ts';
import { facts } from '../src/contract/facts.ts';
import { faultSchema } from '../src/contract/schemas.ts';
import { commandSubject } from '../src/contract/subjects.ts';
import { type CommandName, commandNames, nounAndVerb, verbs } from '../src/contract/verbs.ts';
import { errorTables } from './error-tables.ts';
import { expanded, jsonSchema, type Schema } from './json-schema.ts';
import { table } from './table.ts';

// ---- docs/subjects.md

export const commandSections = (): string => commandNames.map(commandSection).join('\n');

function commandSection(name: CommandName): string {
  const { doc, role, request, reply, example } = verbs[name];
  const [noun, verb] = nounAndVerb(name);
  return [
    `### ${name}`,
    '',
    `${doc}.`,
    '',
    `\`${commandSubject('NODE', noun, verb).replace('NODE', '<node>')}\` · role: ${role} or above · example: \`${JSON.stringify(example)}\``,
    '',
    fieldTable('request', expanded(jsonSchema(request, 'input'))),
    fieldTable('answer', expanded(jsonSchema(reply, 'output'))),
  ].join('\n');
}

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
    // In a request null means absent, which the question mark expresses already.
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

/** One row per fact: when it is announced, and what its data has beside `state`. */
export const factTable = (): string =>
  table(
    ['noun', 'fact', 'when', 'data'],
    Object.entries(facts).flatMap(([noun, entries]) =>
      Object.entries<FactEntry>(entries).map(([fact, { when, data }]) => [noun, `\`${fact}\``, when, dataCell(data)]),
    ),
  );

function dataCell(data: z.ZodObject): string {
  const { properties = {}, required = [] } = expanded(jsonSchema(data, 'output'));
  return Object.entries(properties)
    .map(([name, property]) => {
      const is = property.description ?? unwrap(property).description;
      return `\`${name}${required.includes(name) ? '' : '?'}\`${is ? ` (${is})` : ''}`;
    })
    .join('; ');
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
  const { request, reply } = verbs[name];
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
          answer: { payload: jsonSchema(reply, 'output') },
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
      summary: verbs[name].doc,
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

const endMarker = '<!-- end of what is generated -->';

/** The file's text with what stands between its markers replaced, part by part. */
export const withGenerated = (text: string, ...parts: string[]): string =>
  parts.reduce((done, generated, index) => withPart(done, generated, index), text);

function withPart(text: string, generated: string, index: number): string {
  const beginMarker = '<!-- generated by npm run docs:subjects -->';
  const pieces = text.split(beginMarker);
  const begin = pieces.slice(0, index + 1).join(beginMarker).length + beginMarker.length;
  const end = text.indexOf(endMarker, begin);
  if (pieces.length < index + 2 || end === -1) throw new Error('the file has lost its markers');
  return `${text.slice(0, begin)}\n${generated}\n${text.slice(end)}`;
}

async function write(root: string): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const rewrite = (file: string, ...parts: string[]) =>
    writeFileSync(join(root, file), withGenerated(readFileSync(join(root, file), 'utf8'), ...parts));
  rewrite('docs/subjects.md', commandSections(), factTable());
  rewrite('docs/errors.md', errorTables());
  writeFileSync(join(root, 'docs/asyncapi.json'), `${JSON.stringify(asyncApi(version), null, 2)}\n`);
  await execa('npx', ['biome', 'format', '--write', 'docs/asyncapi.json'], { cwd: root });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await write(process.cwd());
