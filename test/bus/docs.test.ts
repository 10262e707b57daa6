import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { asyncApi, camelCase } from '../../scripts/asyncapi.ts';
import { clientMethods } from '../../scripts/client-methods.ts';
import { errorTables } from '../../scripts/error-tables.ts';
import type { Schema } from '../../scripts/json-schema.ts';
import { commandSections, factTable, withGenerated } from '../../scripts/list-subjects.ts';
import { replyKeptMs } from '../../src/bus/commands/engine-interface.ts';
import { permissionsOf } from '../../src/bus/server/roles.ts';
import { type CommandName, commandNames, verbs } from '../../src/contract/commands.ts';
import type { FactEntry } from '../../src/contract/fact.ts';
import { facts, publishedSchema } from '../../src/contract/facts.ts';
import { isQuery } from '../../src/contract/name-tables.ts';
import { type Noun, subjectName } from '../../src/contract/subjects.ts';
import type { Fault } from '../../src/core/fault.ts';
import { servedNamePattern } from '../../src/core/name-rules.ts';
import { linkSteps } from '../../src/core/steps/link.ts';
import { netnsSteps } from '../../src/core/steps/netns.ts';
import { nftSteps } from '../../src/core/steps/nft.ts';
import { portSteps } from '../../src/core/steps/port.ts';
import { processSteps } from '../../src/core/steps/process.ts';
import { routeSteps } from '../../src/core/steps/route.ts';
import { settingSteps } from '../../src/core/steps/settings.ts';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

/** However a formatter lays out the tables. */
const words = (text: string): string => text.replaceAll(/-{3,}/g, '---').replaceAll(/\s+/g, ' ');

describe('the generated docs match the code (npm run docs:subjects)', () => {
  it.each([
    ['docs/subjects.md', [commandSections, factTable]],
    ['docs/errors.md', [errorTables]],
  ])('%s is up to date', (file, parts) => {
    expect(words(read(file))).toBe(words(withGenerated(read(file), ...parts.map((part) => part()))));
  });

  it('src/contract/methods.ts is up to date', () => {
    // a formatter breaks lines, and adds commas where it does
    const plain = (text: string) => text.replaceAll(/[\s,]+/g, ' ').replaceAll(/([([{]) | ([)\]}])/g, '$1$2');
    expect(plain(read('src/contract/methods.ts'))).toBe(plain(clientMethods()));
  });

  it('docs/asyncapi.json is up to date', () => {
    const { version } = JSON.parse(read('package.json'));
    expect(JSON.parse(read('docs/asyncapi.json'))).toEqual(JSON.parse(JSON.stringify(asyncApi(version))));
  });

  it('P19 docs/subjects.md has the time for which a reply is kept', () => {
    expect(replyKeptMs % 60_000).toBe(0);
    expect(words(read('docs/subjects.md'))).toContain(`The answer is kept for ${replyKeptMs / 60_000} minutes`);
  });

  it('every fact that is announced is in docs/subjects.md', () => {
    const documented = new Set(
      [...read('docs/subjects.md').matchAll(/^\| (\w+) \| `([\w-]+)` \|/gm)].map(([, noun, fact]) => `${noun} ${fact}`),
    );
    const nouns: [string, RegExp][] = [
      // a DHCP client announces under the name of its container
      ['container', /^(container|dhcp|drift)\b/],
      ['network', /^(network|drift)\b/],
      ['node', /^(host|drift)\b/],
    ];
    const files = readdirSync(new URL('../../machines', import.meta.url), { recursive: true, encoding: 'utf8' });
    // what the outbox has no room for it reports itself
    const ofOutbox = [...read('src/actors/journal/outbox-table.ts').matchAll(/\bfact: '([\w-]+)'/g)].map(
      ([, fact]) => `node ${fact}`,
    );
    const announced = nouns.flatMap(([noun, ofNoun]) =>
      files
        .filter((file) => file.endsWith('.ts') && ofNoun.test(file))
        .flatMap((file) => [...read(`machines/${file}`).matchAll(/\b(?:fact: |announce\()'([\w-]+)'/g)])
        .map(([, fact]) => `${noun} ${fact}`),
    );
    expect([...new Set([...announced, ...ofOutbox])].sort()).toEqual([...documented].sort());
    const inContract = Object.entries(facts).flatMap(([noun, entries]) =>
      Object.keys(entries).map((name) => `${noun} ${name}`),
    );
    expect(inContract.sort()).toEqual([...documented].sort());
  });
});

/** Lists objects and enumerations without a schema name: a generator of types would invent one. */
function unnamedIn(node: unknown, path: string[] = []): string[] {
  const key = path.at(-1) ?? '';
  if (typeof node !== 'object' || node === null || ['examples', 'parameters'].includes(key)) return [];
  const isNamed = path.length === 3 && path[0] === 'components' && path[1] === 'schemas';
  const isType = key !== 'properties' && ('properties' in node || 'enum' in node);
  const below = Object.entries(node).flatMap(([one, value]) => unnamedIn(value, [...path, one]));
  return isType && !isNamed ? [path.join('.'), ...below] : below;
}

describe('docs/asyncapi.json', () => {
  it('docs/asyncapi.json names every object and every list of values, so that a generator of types need not invent a name', () => {
    expect(unnamedIn(asyncApi('1.0.0'))).toEqual([]);
    expect(unnamedIn({ components: { messages: { one: { payload: { properties: {} } } } } })).toEqual([
      'components.messages.one.payload',
    ]);
  });

  it('docs/asyncapi.json has a message for every fact, with its type, its data and the state that it leads to', () => {
    const { components } = JSON.parse(read('docs/asyncapi.json'));
    const schema = ({ $ref }: { $ref: string }) => components.schemas[$ref.slice('#/components/schemas/'.length)];
    const messages: { payload: { $ref: string } }[] = Object.values(components.messages);
    const described = messages
      .map(({ payload }) => schema(payload).properties)
      .filter(
        ({ type, data }) =>
          type?.const && data.anyOf.every((one: { $ref: string }) => schema(one).required.includes('state')),
      )
      .filter(({ data }) => data.anyOf.at(-1).$ref === '#/components/schemas/Omitted')
      .map(({ type }) => type.const);
    const all = Object.entries(facts).flatMap(([noun, entries]) =>
      Object.keys(entries).map((fact) => `dev.netloom.${noun}.${fact}`),
    );
    expect(described.sort()).toEqual(all.sort());
  });
});

/** The name of the schema of a command's answer. */
function replySchemaOf(name: CommandName): string {
  const { channels } = JSON.parse(read('docs/asyncapi.json'));
  const { reply } = channels[`${camelCase(name)}Answer`].messages;
  return reply.payload.$ref.slice('#/components/schemas/'.length);
}

/** One word for what a field is; `string` also for a list of values, which may be of one noun. */
function shapeOf(schema: Schema): string {
  const { $ref, type, items, additionalProperties, anyOf, const: value } = schema;
  if ($ref) return $ref;
  if (anyOf)
    return anyOf
      .map(shapeOf)
      .filter((one) => one !== 'null')
      .join(' or ');
  if (items) return `list of ${shapeOf(items)}`;
  if (typeof additionalProperties === 'object') return `map of ${shapeOf(additionalProperties)}`;
  return value === undefined ? [type].flat().join(' or ') : typeof value;
}

describe('the same field has the same shape', () => {
  const schemas: Record<string, Schema> = JSON.parse(read('docs/asyncapi.json')).components.schemas;
  /** Field → shapes, each with those that have it. Values of a noun count as text. */
  function shapes(names: string[]): Map<string, Map<string, string[]>> {
    const found = new Map<string, Map<string, string[]>>();
    for (const name of names)
      for (const [field, property] of Object.entries(schemas[name]?.properties ?? {})) {
        const target = schemas[property.$ref?.slice('#/components/schemas/'.length) ?? ''];
        const shape = target?.enum ? 'string' : shapeOf(property);
        const all = found.get(field) ?? new Map<string, string[]>();
        found.set(field, all.set(shape, [...(all.get(shape) ?? []), name]));
      }
    return found;
  }
  const contradictions = (names: string[]) =>
    [...shapes(names)].filter(([, all]) => all.size > 1).map(([field]) => field);
  const facts = Object.keys(schemas).filter((name) => /^(Container|Network|Node).*Data$/.test(name));
  const replies = commandNames.map(replySchemaOf);

  it('the same field has the same shape in every fact', () => expect(contradictions(facts)).toEqual([]));

  it('the same field has the same shape in every answer, except for views in inspections, counts of node.info, traffic of ports and definitions in files', () => {
    expect(contradictions([...facts, ...replies, 'ContainerView', 'NetworkView']).sort()).toEqual([
      'container',
      'containers',
      'definition',
      'network',
      'networks',
      'ports',
    ]);
  });
});

/** Lists the steps that the example of a fact, or its fault, names. */
function stepsIn({ steps = [], fault }: { steps?: string[]; fault?: Fault }): string[] {
  return [...steps, ...(fault?.step ? [fault.step] : []), ...(fault?.undone ?? [])];
}

describe('the examples of the contract', () => {
  it.each(commandNames)('%s takes the request that stands beside it', (name) => {
    expect(verbs[name].request.safeParse(verbs[name].example).error).toBeUndefined();
  });

  it.each(
    Object.entries(facts).flatMap(([noun, entries]) =>
      Object.entries<FactEntry>(entries).map(([fact, entry]) => ({ noun, fact, entry })),
    ),
  )('$noun $fact has the data that stands beside it', ({ noun, fact, entry: { data, state, example } }) => {
    const schema = publishedSchema(noun as Noun, fact, data);
    expect(z.strictObject(schema.shape).safeParse({ state, ...example }).error).toBeUndefined();
  });

  it('the examples of facts name steps that exist', () => {
    const tables = [linkSteps, netnsSteps, nftSteps, portSteps, processSteps, routeSteps, settingSteps];
    const kernelVerbs = tables.flatMap((table) => Object.keys(table));
    const examples = Object.values(facts).flatMap((entries) =>
      Object.values<FactEntry>(entries).map(({ example }) => example),
    );
    const verbsUsed = examples.flatMap(stepsIn).map((step) => step.split(' ')[0]);
    expect(verbsUsed).not.toEqual([]);
    expect(verbsUsed.filter((verb) => !kernelVerbs.includes(verb ?? ''))).toEqual([]);
  });
});

describe('the promises between tables', () => {
  it('a subject takes every id and name that netloom takes', () => {
    expect(subjectName.source).toBe(servedNamePattern.source);
  });

  it('a role may do what a lesser one may', () => {
    const [viewer, operator] = [permissionsOf('viewer', 'n1'), permissionsOf('operator', 'n1')];
    expect(operator?.publish).toEqual(expect.arrayContaining(viewer?.publish ?? []));
    expect(permissionsOf('admin', 'n1')).toBeNull();
  });

  it('a query is what a viewer may send', () => {
    expect(commandNames.filter(isQuery)).toEqual(commandNames.filter((name) => verbs[name].role === 'viewer'));
  });

  it('what a viewer may ask for changes nothing', () => {
    const harmless = commandNames.filter((name) => verbs[name].role === 'viewer');
    expect(harmless).toEqual([
      'node.info',
      'node.firewalls',
      'network.inspect',
      'network.list',
      'plan.network',
      'container.inspect',
      'container.list',
      'container.stats',
      'plan.container',
    ]);
  });
});
