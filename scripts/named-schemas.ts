import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { jsonSchema, mapValues, nameIn, type Schema } from './json-schema.ts';

/**
 * The schemas of docs/asyncapi.json. Every object and every list of values has a name: that of the contract, or one made of
 * the place where it stands (`NodeInfo` and `storage` → `NodeInfoStorage`), so that a generator of types need not invent any.
 */
export class NamedSchemas {
  readonly #schemas = new Map<string, Schema>();

  /** A reference to the schema, which gets `name` unless the contract names it. */
  ref(schema: z.ZodType, io: 'input' | 'output', name: string): Schema {
    const { definitions = {}, ...root } = jsonSchema(schema, io);
    for (const [id, definition] of Object.entries(definitions)) this.add(id, definition);
    return root.$ref === undefined ? this.add(name, root) : referenceTo(nameIn(root.$ref));
  }

  /** A reference to the schema under this name. The same name may come again with the same schema. */
  add(name: string, schema: Schema): Schema {
    const named = this.#within(name, schema);
    const known = this.#schemas.get(name);
    if (known && !isDeepStrictEqual(known, named)) throw new Error(`two schemas are called ${name}`);
    this.#schemas.set(name, named);
    return referenceTo(name);
  }

  sorted(): Record<string, Schema> {
    return Object.fromEntries([...this.#schemas].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** The schema, with references in place of what is named in it. */
  #within(name: string, { properties, items, additionalProperties, anyOf, allOf: _, ...rest }: Schema): Schema {
    return {
      ...rest,
      ...(properties && {
        properties: mapValues(properties, (property, key) => this.#named(`${name}${upperFirst(key)}`, property)),
      }),
      ...(items && { items: this.#named(singular(name), items) }),
      ...(additionalProperties !== undefined && {
        additionalProperties:
          typeof additionalProperties === 'object'
            ? this.#named(singular(name), additionalProperties)
            : additionalProperties,
      }),
      ...(anyOf && { anyOf: anyOf.map((one) => this.#named(name, one)) }),
    };
  }

  #named(name: string, schema: Schema): Schema {
    // what is said beside a reference is not heard in this version of JSON Schema
    const target = schema.$ref ?? schema.allOf?.[0]?.$ref;
    if (target !== undefined) return referenceTo(nameIn(target));
    return schema.properties || schema.enum ? this.add(name, schema) : this.#within(name, schema);
  }
}

const referenceTo = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

const upperFirst = (key: string): string =>
  key.replaceAll(/(?:^|[_-])([a-zA-Z])/g, (_, letter: string) => letter.toUpperCase());

/** `ContainerViewAttachments` → `ContainerViewAttachment` */
const singular = (name: string): string => name.replace(/s$/, '');
