import { z } from 'zod';
import { type CommandName, commandNames, verbs } from '../src/contract/commands.ts';
import type { FactEntry } from '../src/contract/fact.ts';
import { facts, omittedSchema, publishedSchema } from '../src/contract/facts.ts';
import { nounAndVerb } from '../src/contract/name-tables.ts';
import { faultSchema } from '../src/contract/schemas.ts';
import type { Noun } from '../src/contract/subjects.ts';
import { NamedSchemas } from './named-schemas.ts';

/** docs/asyncapi.json: every command with its answer, and a message per fact. */
export function asyncApi(version: string): object {
  const schemas = new NamedSchemas();
  const nouns = Object.keys(facts) as Noun[];
  const events = nouns.flatMap((noun) =>
    factsOf(noun).map(([fact, entry]) => eventMessage(schemas, noun, fact, entry)),
  );
  const channels = Object.fromEntries([
    ...commandNames.flatMap((name) => commandChannels(schemas, name)),
    ...nouns.map(eventChannel),
  ]);
  const messages = { fault: faultMessage(schemas), ...Object.fromEntries(events) };
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'netloom',
      version,
      description: 'Commands to a node and the facts that it announces, over NATS. docs/subjects.md says it in words.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels,
    operations: Object.fromEntries([...commandNames.map(commandOperation), ...nouns.map(eventOperation)]),
    components: { messages, schemas: schemas.sorted() },
  };
}

/** `container.setup`, `torn-down` → `ContainerSetup`, `TornDown` */
const pascalCase = (text: string): string =>
  text.replaceAll(/(?:^|[.-])([a-z])/g, (_, letter: string) => letter.toUpperCase());

export const camelCase = (text: string): string => {
  const pascal = pascalCase(text);
  return `${pascal.slice(0, 1).toLowerCase()}${pascal.slice(1)}`;
};

const nodeParameter = { description: 'name of the node' };

/** `containerSetupCommand`: no other model has such a name. */
const channelName = (name: CommandName): string => `${camelCase(name)}Command`;
const answerChannelName = (name: CommandName): string => `${camelCase(name)}Answer`;

function commandChannels(schemas: NamedSchemas, name: CommandName): [string, object][] {
  const { request, reply, example } = verbs[name];
  const [noun, verb] = nounAndVerb(name);
  const headers = schemas.add('CommandHeaders', messageId('the same request with the same id gets the first answer'));
  return [
    [
      channelName(name),
      {
        address: `netloom.v1.{node}.${noun}.${verb}`,
        parameters: { node: nodeParameter },
        messages: {
          request: {
            name: `${pascalCase(name)}Request`,
            headers,
            payload: schemas.ref(request, 'input', `${pascalCase(name)}Request`),
            examples: [{ payload: example }],
          },
        },
      },
    ],
    [
      answerChannelName(name),
      {
        address: null,
        messages: {
          reply: {
            name: `${pascalCase(name)}Reply`,
            payload: schemas.ref(reply, 'output', `${pascalCase(name)}Reply`),
          },
          fault: { $ref: '#/components/messages/fault' },
        },
      },
    ],
  ];
}

function commandOperation(name: CommandName): [string, object] {
  const channel = `#/channels/${channelName(name)}`;
  const answer = `#/channels/${answerChannelName(name)}`;
  return [
    camelCase(name),
    {
      action: 'receive',
      channel: { $ref: channel },
      summary: verbs[name].doc,
      messages: [{ $ref: `${channel}/messages/request` }],
      reply: {
        address: { location: '$message.header#/reply', description: 'the inbox that the request names' },
        channel: { $ref: answer },
        messages: [{ $ref: `${answer}/messages/reply` }, { $ref: `${answer}/messages/fault` }],
      },
    },
  ];
}

const messageId = (description: string) => ({
  type: 'object',
  properties: { 'Nats-Msg-Id': { type: 'string', description } },
});

const faultMessage = (schemas: NamedSchemas) => ({
  name: 'Fault',
  summary: 'why it was refused or failed; docs/errors.md lists the codes',
  headers: schemas.add('FaultHeaders', {
    type: 'object',
    properties: {
      'Nats-Service-Error-Code': { type: 'string', description: 'the status of the code' },
      'Nats-Service-Error': { type: 'string', description: 'the message, on one line' },
    },
  }),
  payload: schemas.ref(faultSchema, 'output', 'Fault'),
});

// ---- facts

const factsOf = (noun: Noun): [string, FactEntry][] => Object.entries<FactEntry>(facts[noun]);

const eventName = (noun: Noun, fact: string): string => `${pascalCase(noun)}${pascalCase(fact)}`;

function eventMessage(schemas: NamedSchemas, noun: Noun, fact: string, entry: FactEntry): [string, object] {
  const name = eventName(noun, fact);
  const data = publishedSchema(noun, fact, entry.data).meta({ id: `${name}Data` });
  const payload = exampleEvent(noun, fact, entry);
  return [
    name,
    {
      name,
      summary: entry.when,
      contentType: 'application/cloudevents+json',
      headers: schemas.add('EventHeaders', messageId('the id of the event')),
      payload: schemas.ref(cloudEventSchema(noun, fact, data), 'output', `${name}Event`),
      examples: [{ payload }],
    },
  ];
}

const exampleSubjects = { container: 'web', network: 'demo', node: 'host1' } as const;

function exampleEvent(noun: Noun, fact: string, { state, example }: FactEntry) {
  const subject = exampleSubjects[noun];
  return {
    specversion: '1.0',
    id: '3f9c2a7e.17',
    source: `/netloom/host1/${noun}/${subject}`,
    type: `dev.netloom.${noun}.${fact}`,
    subject,
    time: '2026-01-01T12:00:00.000Z',
    datacontenttype: 'application/json',
    sequence: '0000000000000017',
    data: { state, ...example },
  };
}

const cloudEventSchema = (noun: Noun, fact: string, data: z.ZodObject) =>
  z
    .object({
      specversion: z.literal('1.0'),
      id: z.string().describe('<epoch of the journal>.<sequence>'),
      source: z.string().describe(`/netloom/<node>/${noun}/<id>`),
      type: z.literal(`dev.netloom.${noun}.${fact}`),
      subject: z.string().describe('id of the container, name of the network or of the node'),
      time: z.iso.datetime().describe('when it was committed'),
      datacontenttype: z.literal('application/json'),
      sequence: z.string().describe('number of the fact on its node, 16 digits'),
      data: z.union([data, omittedSchema]),
    })
    .describe('a CloudEvent 1.0, structured mode');

const eventChannelName = (noun: Noun): string => `${noun}Events`;

function eventChannel(noun: Noun): [string, object] {
  const of = { container: 'id of the container', network: 'name of the network', node: 'name of the node' }[noun];
  return [
    eventChannelName(noun),
    {
      address: `netloom.v1.{node}.evt.${noun}.{id}.{fact}`,
      description: 'kept in the JetStream stream NETLOOM_EVENTS',
      parameters: {
        node: nodeParameter,
        id: { description: `${of}; a dot is written %2E` },
        fact: { enum: factsOf(noun).map(([fact]) => fact) },
      },
      messages: Object.fromEntries(
        factsOf(noun).map(([fact]) => {
          const name = eventName(noun, fact);
          return [name, { $ref: `#/components/messages/${name}` }];
        }),
      ),
    },
  ];
}

const eventOperation = (noun: Noun): [string, object] => [
  eventChannelName(noun),
  {
    action: 'send',
    channel: { $ref: `#/channels/${eventChannelName(noun)}` },
    summary: 'Facts, after they were committed',
  },
];
