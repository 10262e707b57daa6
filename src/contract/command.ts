import { z } from 'zod';

/** Role that may send a command, the narrowest first: each role may do what the roles before it may do. */
export type Role = 'viewer' | 'operator' | 'admin';

/** One command: its request, its reply and its purpose. */
export interface VerbEntry<Request extends z.ZodType = z.ZodType, Reply extends z.ZodType = z.ZodType> {
  /** one or two sentences, without the last full stop */
  doc: string;
  role: Role;
  request: Request;
  reply: Reply;
  example: z.input<Request>;
}

/** Request of a command without fields. */
export const nothingSchema = z.object({}).describe('nothing');

export const verb = <Request extends z.ZodType, Reply extends z.ZodType>(
  entry: VerbEntry<Request, Reply>,
): VerbEntry<Request, Reply> => entry;
