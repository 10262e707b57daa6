import type { z } from 'zod';
import { pathText } from '../core/schema-words.ts';

/**
 * Lists the fields of a request that its schema does not have: `networkz`, `ports[0].hostport`. Returns none if the
 * schema refuses the request: the daemon reports that.
 */
export function unknownFields(schema: z.ZodType, request: object): string[] {
  const known = schema.safeParse(request);
  return known.success ? missingIn(known.data, request, []).map(pathText) : [];
}

type Path = readonly PropertyKey[];

/** Compares a value with the result of its schema, which leaves out unknown fields. */
function missingIn(known: unknown, given: unknown, path: Path): Path[] {
  if (Array.isArray(given) && Array.isArray(known))
    return given.flatMap((entry, index) => missingIn(known[index], entry, [...path, index]));
  if (!isRecord(given) || !isRecord(known)) return [];
  return Object.entries(given).flatMap(([key, value]) =>
    Object.hasOwn(known, key) ? missingIn(known[key], value, [...path, key]) : [[...path, key]],
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
