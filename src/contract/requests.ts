import { z } from 'zod';
import {
  attachmentSchema as attachmentShape,
  containerRequestSchema as containerShape,
} from '../core/container/wish.ts';
import { networkRequestSchema as networkShape } from '../core/network/definition.ts';
import { networkProposalSchema as proposalShape } from '../core/network/proposal.ts';
import { portMappingSchema } from '../core/port.ts';
import {
  containerIdSchema,
  containerReferenceSchema as containerWordSchema,
  networkNameSchema,
} from '../core/token.ts';

/** What comes in. Fields that are not named here are ignored. */

export const nothingSchema = z.object({}).describe('nothing');
export const containerReferenceSchema = z
  .object({
    id: containerWordSchema,
    exact: z
      .boolean()
      .nullish()
      .describe('`id` is the full id, not a name or the beginning of an id: for programs that repeat commands'),
  })
  .describe('a container');
const runningToo = z
  .boolean()
  .nullish()
  .describe('also while its process runs, or that of a container that shares its namespace');
export const removalSchema = containerReferenceSchema.extend({ force: runningToo }).describe('a container');
export const networkReferenceSchema = z.object({ name: networkNameSchema }).describe('a network');
export const networkRemovalSchema = networkReferenceSchema
  .extend({ force: z.boolean().nullish().describe('containers that use it are disconnected first') })
  .describe('a network');
export const networkUpdateSchema = networkReferenceSchema
  .extend({
    addDnsServers: z.array(z.string()).nullish(),
    removeDnsServers: z.array(z.string()).nullish(),
    dnsServers: z.array(z.string()).nullish().describe('replaces the present ones'),
    options: z
      .record(z.string(), z.string())
      .nullish()
      .describe('inbound: guarded, open; spoofing: guarded, allow. Other options cannot be changed'),
  })
  .describe('a network, and what is different about it');
export const networkPruneSchema = z
  .object({ names: z.array(networkNameSchema).nullish().describe('only of these') })
  .describe('which networks to remove');
export const startedSchema = containerReferenceSchema
  .extend({
    pid: z.int().min(1).describe('the first process of the container, as the host sees it'),
    reportsExit: z
      .boolean()
      .nullish()
      .describe('container.exited will follow: the event `exited` waits for it, for 2 s at most'),
  })
  .describe("a container's process has started");
export const exitedSchema = containerReferenceSchema
  .extend({
    pid: z.int().min(1).describe('the process that container.started named, or would have'),
    exitCode: z.int().min(0).max(255).describe('128 + n where signal n ended it'),
  })
  .describe("a container's process has ended");
export const collectSchema = z
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
/**
 * Lists are compared each with each further on. Unbounded, one request of 1 MiB would keep the daemon busy for minutes,
 * and plans are open to viewers.
 */
const most = { networks: 256, ports: 1024, subnets: 64, subnet_pools: 64 };

const tooLong = (name: keyof typeof most, list: unknown[] | null | undefined): boolean =>
  (list?.length ?? 0) > most[name];

const longest = (name: keyof typeof most, ...within: string[]) => ({
  path: [...within, name],
  message: `at most ${most[name]} are taken`,
});

export const containerRequestSchema = containerShape
  .refine(({ networks }) => !tooLong('networks', networks), longest('networks'))
  .refine(({ ports }) => !tooLong('ports', ports), longest('ports'));
export const networkRequestSchema = networkShape.refine(
  ({ subnets }) => !tooLong('subnets', subnets),
  longest('subnets'),
);
export const networkProposalSchema = proposalShape
  .refine(({ network }) => !tooLong('subnets', network.subnets), longest('subnets', 'network'))
  .refine(({ options }) => !tooLong('subnet_pools', options?.subnet_pools), longest('subnet_pools', 'options'));
export const connectSchema = attachmentShape
  .extend(containerReferenceSchema.shape)
  .describe('an additional network for a container; live when its network is up');
export const disconnectSchema = containerReferenceSchema
  .extend({ network: networkNameSchema })
  .describe('a container and a network that it is on');
export const portsSchema = containerReferenceSchema
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
    'a container network as it is wished for; with nothing but the id (and owner, startWithinMs), as it was wished for by container.create',
  );

/** Engines have rules of their own for names; one that netloom would not take is served all the same. */
export const attachSchema = containerShape
  .extend({ name: z.string().min(1).max(255).nullish().describe('default: the id') })
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
  })
  .describe('a container, and networks that it leaves');
