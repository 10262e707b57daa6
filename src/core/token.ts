import { z } from 'zod';
import { nameRefusal, servedNamePattern, servedNameRule } from './name.ts';

/** What stands in a subject as it is: the name of a node. */
export const tokenPattern = /^[A-Za-z0-9_-]{1,64}$/;

const tokenRule = 'must be 1 to 64 characters of A-Z a-z 0-9 _ -, for it stands in subjects';

const token = z.string().regex(tokenPattern, { error: ({ input }) => `${JSON.stringify(input)} ${tokenRule}` });

/** A network or a container that there may be, whoever named it. */
const servedName = z
  .string()
  .regex(servedNamePattern, { error: ({ input }) => `${JSON.stringify(input)} ${servedNameRule}` });

export const containerIdSchema = servedName.describe(
  'container id, 1 to 250 characters of [A-Za-z0-9_.-], no dot first',
);

/** Names are the users' own words; those that podman takes can be used to name the container. */
export const containerReferenceSchema = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,255}$/, 'must be 1 to 255 characters of A-Z a-z 0-9 _ . -')
  .describe('id of a container, its name, or the beginning of an id of hex digits');

export const networkNameSchema = servedName.describe('network name, 1 to 250 characters of [A-Za-z0-9_.-]');

/** N13: a network that netloom is to make. Others may have made one of another name, or make it. */
export const newNetworkNameSchema = z
  .string()
  .refine((name) => nameRefusal(name) === null, { error: ({ input }) => nameRefusal(input as string) ?? '' })
  .describe('network name, 1 to 250 characters of [A-Za-z0-9_.-], a letter or a digit first; no network mode');

/** As the kernel has it: 1 to 15 bytes, no slash, no colon, no white space, no dot name, nor what sysctl calls its own. */
export const interfaceNameSchema = z
  .string()
  .regex(
    /^(?!(\.{1,2}|lo|all|default)$)[A-Za-z0-9_.@-]{1,15}$/,
    'must be 1 to 15 characters of A-Z a-z 0-9 _ . @ -, and not lo, all or default',
  )
  .describe('network interface name');

export const nodeNameSchema = token.describe('node name');
