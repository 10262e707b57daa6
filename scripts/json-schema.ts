import { z } from 'zod';

/** As much of JSON Schema as the contract's schemas lead to. */
export interface Schema {
  $ref?: string;
  title?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
  allOf?: Schema[];
  definitions?: Record<string, Schema>;
}

/** With `$ref`s to `definitions`: one per schema that the contract names. */
export const jsonSchema = (schema: z.ZodType, io: 'input' | 'output'): Schema => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    target: 'draft-7',
    unrepresentable: 'any',
  }) as Schema & { $schema?: string };
  return rest;
};

/** The schema with what it refers to in place. */
export function expanded(schema: Schema, definitions = schema.definitions ?? {}): Schema {
  const inner = (one: Schema): Schema => expanded(one, definitions);
  const { $ref, allOf, definitions: _, ...own } = schema;
  const target = $ref ?? allOf?.[0]?.$ref;
  if (target !== undefined) return { ...inner(definitions[nameIn(target)] ?? {}), ...own };
  const { properties, items, additionalProperties, anyOf } = own;
  return {
    ...own,
    ...(properties && { properties: mapValues(properties, inner) }),
    ...(items && { items: inner(items) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: inner(additionalProperties) }),
    ...(anyOf && { anyOf: anyOf.map(inner) }),
  };
}

/** `#/definitions/Netns` → `Netns` */
export const nameIn = ($ref: string): string => $ref.slice($ref.lastIndexOf('/') + 1);

export const mapValues = <From, To>(object: Record<string, From>, map: (value: From, key: string) => To) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
