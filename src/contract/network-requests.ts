import { z } from 'zod';
import { networkProposalSchema as proposalShape } from '../core/network/proposal.ts';
import { networkRequestSchema as networkShape } from '../core/network/request.ts';
import { networkNameSchema } from '../core/token.ts';
import { longest, tooLong } from './limits.ts';

/** Requests about networks. Fields that are not named here are ignored. */

export const networkReferenceSchema = z
  .object({ name: networkNameSchema })
  .meta({ id: 'NetworkReference', description: 'a network' });
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

export const networkRequestSchema = networkShape.refine(
  ({ subnets }) => !tooLong('subnets', subnets),
  longest('subnets'),
);
export const networkProposalSchema = proposalShape
  .refine(({ network }) => !tooLong('subnets', network.subnets), longest('subnets', 'network'))
  .refine(({ options }) => !tooLong('subnet_pools', options?.subnet_pools), longest('subnet_pools', 'options'));
