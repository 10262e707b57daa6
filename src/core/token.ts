import { z } from 'zod';

/** What may stand in a subject, a file name and an nft comment alike. */
export const tokenPattern = /^[A-Za-z0-9_-]{1,64}$/;

export const tokenRule = 'must be 1 to 64 characters of A-Z a-z 0-9 _ -, for it stands in subjects';

const token = z.string().regex(tokenPattern, { error: ({ input }) => `${JSON.stringify(input)} ${tokenRule}` });

export const containerIdSchema = token.describe('container id, 1 to 64 characters of [A-Za-z0-9_-]');

/** Names are the users' own words; those that podman takes can be used to name the container. */
export const containerReferenceSchema = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,255}$/, 'must be 1 to 255 characters of A-Z a-z 0-9 _ . -')
  .describe('id of a container, its name, or the beginning of an id of hex digits');

export const networkNameSchema = token.describe('network name, 1 to 64 characters of [A-Za-z0-9_-]');

/** As the kernel has it: 1 to 15 bytes, no slash, no colon, no white space, no dot name, nor what sysctl calls its own. */
export const interfaceNameSchema = z
  .string()
  .regex(
    /^(?!(\.{1,2}|lo|all|default)$)[A-Za-z0-9_.@-]{1,15}$/,
    'must be 1 to 15 characters of A-Z a-z 0-9 _ . @ -, and not lo, all or default',
  )
  .describe('network interface name');

export const nodeNameSchema = token.describe('node name');
