import { z } from 'zod';

/** What may stand in a subject, a file name and an nft comment alike. */
export const tokenPattern = /^[A-Za-z0-9_-]{1,64}$/;

export const containerIdSchema = z
  .string()
  .regex(tokenPattern, 'must be 1 to 64 characters of A-Z a-z 0-9 _ -')
  .describe('container id, 1 to 64 characters of [A-Za-z0-9_-]');

export const networkNameSchema = z
  .string()
  .regex(tokenPattern, 'must be 1 to 64 characters of A-Z a-z 0-9 _ -')
  .describe('network name, 1 to 64 characters of [A-Za-z0-9_-]');

/** As the kernel has it: 1 to 15 bytes, no slash, no colon, no white space, no dot name, nor what sysctl calls its own. */
export const interfaceNameSchema = z
  .string()
  .regex(
    /^(?!(\.{1,2}|lo|all|default)$)[A-Za-z0-9_.@-]{1,15}$/,
    'must be 1 to 15 characters of A-Z a-z 0-9 _ . @ -, and not lo, all or default',
  )
  .describe('network interface name');

export const nodeNameSchema = z
  .string()
  .regex(tokenPattern, 'must be 1 to 64 characters of A-Z a-z 0-9 _ -')
  .describe('node name');
