import type { z } from 'zod';

/** Who may send a command, the narrowest first: a role may do what those before it may. */
export type Role = 'viewer' | 'operator' | 'admin';

/** One command: what it takes and answers, and what it is for. */
export interface VerbEntry<Request extends z.ZodType = z.ZodType, Reply extends z.ZodType = z.ZodType> {
  /** one sentence, or two, without the last full stop */
  doc: string;
  role: Role;
  request: Request;
  reply: Reply;
  example: z.input<Request>;
}

export const verb = <Request extends z.ZodType, Reply extends z.ZodType>(
  entry: VerbEntry<Request, Reply>,
): VerbEntry<Request, Reply> => entry;
