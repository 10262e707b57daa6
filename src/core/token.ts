import { z } from 'zod';
import {
  idRule,
  interfaceNamePattern,
  interfaceNameRule,
  namePattern,
  nameRefusal,
  nameRule,
  referencePattern,
  referenceRule,
  servedNamePattern,
} from './name-rules.ts';
import { mostPid } from './process-id.ts';

export const containerIdSchema = z
  .string()
  .regex(servedNamePattern, idRule)
  .describe('container id, 1 to 250 characters of [A-Za-z0-9_.-], no dot first');

/** A05: a name by which the container can be referred to. */
export const containerNameSchema = z
  .string()
  .regex(namePattern, nameRule)
  .describe('1 to 250 characters of [A-Za-z0-9_.-], a letter or a digit first; default: the id');

export const containerReferenceSchema = z
  .string()
  .regex(referencePattern, referenceRule)
  .describe('id of a container, its name, or the beginning of an id of hex digits');

/** A network that may exist, whatever engine named it. */
export const networkNameSchema = z
  .string()
  .regex(servedNamePattern, nameRule)
  .describe('network name, 1 to 250 characters of [A-Za-z0-9_.-]');

/** N13: a network that netloom is to make. Others may have made, or may make, one of another name. */
export const newNetworkNameSchema = z
  .string()
  .refine((name) => nameRefusal(name) === null, { error: ({ input }) => nameRefusal(input as string) ?? '' })
  .describe('network name, 1 to 250 characters of [A-Za-z0-9_.-], a letter or a digit first; no network mode');

export const interfaceNameSchema = z
  .string()
  .regex(interfaceNamePattern, interfaceNameRule)
  .describe('network interface name');

export const processIdSchema = z.int().min(1).max(mostPid);
