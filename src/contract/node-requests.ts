import { z } from 'zod';

/** Requests about a node. Fields that are not named here are ignored. */

export const gcSchema = z
  .object({
    dryRun: z.boolean().nullish().describe('only list, remove nothing'),
    unstarted: z
      .boolean()
      .nullish()
      .describe('also containers that were set up and never started, with no process in their namespaces'),
  })
  .describe('what to remove');
export const workerReferenceSchema = z
  .object({ index: z.int().min(0).describe('0 to workers - 1') })
  .describe('a kernel worker');
