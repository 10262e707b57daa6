import { z } from 'zod';
import {
  attachmentSchema as attachmentShape,
  containerRequestSchema as containerShape,
} from '../core/container/request.ts';
import { portMappingSchema } from '../core/port.ts';
import {
  containerIdSchema,
  containerReferenceSchema as containerWordSchema,
  networkNameSchema,
  processIdSchema,
} from '../core/token.ts';
import { longest, tooLong } from './limits.ts';

/** Requests about containers. Fields that are not named here are ignored. */

export const containerReferenceSchema = z
  .object({
    id: containerWordSchema,
    exact: z
      .boolean()
      .nullish()
      .describe('`id` is the full id, not a name or the beginning of an id: for programs that repeat commands'),
  })
  .meta({ id: 'ContainerReference', description: 'a container' });
const runningToo = z
  .boolean()
  .nullish()
  .describe('also while its process runs, or that of a container that shares its namespace');
export const removalSchema = containerReferenceSchema.extend({ force: runningToo }).describe('a container');

export const startedSchema = containerReferenceSchema
  .extend({
    pid: processIdSchema.describe('the first process of the container, as the host sees it'),
    reportsExit: z
      .boolean()
      .nullish()
      .describe('container.exited will follow: the event `exited` waits for it, for 2 s at most'),
  })
  .describe("a container's process has started");
export const exitedSchema = containerReferenceSchema
  .extend({
    pid: processIdSchema.describe('the process that container.started named, or would have'),
    exitCode: z.int().min(0).max(255).describe('128 + n where signal n ended it'),
  })
  .describe("a container's process has ended");

export const containerRequestSchema = containerShape
  .refine(({ networks }) => !tooLong('networks', networks), longest('networks'))
  .refine(({ ports }) => !tooLong('ports', ports), longest('ports'));

export const connectSchema = attachmentShape
  .extend(containerReferenceSchema.shape)
  .describe('an additional network for a container; live when its network is up');
export const disconnectSchema = containerReferenceSchema
  .extend({ network: networkNameSchema })
  .describe('a container and a network that it is on');
export const portsRequestSchema = containerReferenceSchema
  .extend({ ports: z.array(portMappingSchema).min(1) })
  .refine(({ ports }) => !tooLong('ports', ports), longest('ports'))
  .describe('a container and host ports');
export const setupSchema = containerShape
  .extend({
    networkOverrides: z
      .array(attachmentShape)
      .nullish()
      .describe('networks in place of those of the wish, for this set-up only (a restore, for example)'),
    isNew: z.boolean().nullish().describe('refused with container.exists if there is a container of this id'),
  })
  .refine(({ networks }) => !tooLong('networks', networks), longest('networks'))
  .refine(({ ports }) => !tooLong('ports', ports), longest('ports'))
  .describe(
    'a complete container network; with only the id (and owner, startWithinMs), the network that container.create stored',
  );

const callSchema = z.string().min(1).max(64).nullish();

/** Engines have their own rules for names, so attach accepts names that netloom would not. */
export const attachSchema = containerShape
  .extend({
    name: z.string().min(1).max(255).nullish().describe('default: the id'),
    call: callSchema.describe('unique to this call: a container.detach with the same `call` takes it back'),
  })
  .refine(({ networks }) => !tooLong('networks', networks), longest('networks'))
  .refine(({ ports }) => !tooLong('ports', ports), longest('ports'))
  .describe('a container network, from an engine that calls once per network');
export const detachSchema = z
  .object({
    id: containerIdSchema,
    networks: z.array(networkNameSchema),
    netns: z
      .string()
      .nullish()
      .describe('path of the namespace; nothing is done if the container has another one by now'),
    call: callSchema.describe(
      'of the container.attach that is taken back; refused if it arrives later: its caller no longer waits for it',
    ),
  })
  .describe('a container, and networks that it leaves');
