import type { z } from 'zod';

/** One fact of a noun: when it is published, and its data. */
export interface FactEntry<Data extends z.ZodObject = z.ZodObject> {
  /** when it is published: `set-up is done` */
  when: string;
  /** without `state`, which every fact has */
  data: Data;
  /** the state in the example */
  state: string;
  example: z.output<Data>;
}

export const fact = <Data extends z.ZodObject>(entry: FactEntry<Data>): FactEntry<Data> => entry;
