import { nothingSchema, verb } from './command.ts';
import {
  networkCreatedSchema,
  networkInspectionSchema,
  networkListSchema,
  networkNamedSchema,
  networkProposedSchema,
  networksPrunedSchema,
} from './network-replies.ts';
import {
  networkProposalSchema,
  networkPruneSchema,
  networkReferenceSchema,
  networkRemovalSchema,
  networkRequestSchema,
  networkUpdateSchema,
} from './network-requests.ts';

/** Commands about networks. */
export const networkVerbs = {
  'network.create': verb({
    doc: 'Defines a network; its bridge is made when the first container joins',
    role: 'operator',
    request: networkRequestSchema,
    reply: networkCreatedSchema,
    example: { name: 'demo', subnets: [{ subnet: '10.89.0.0/24' }] },
  }),
  'network.inspect': verb({
    doc: 'Shows one network',
    role: 'viewer',
    request: networkReferenceSchema,
    reply: networkInspectionSchema,
    example: { name: 'demo' },
  }),
  'network.list': verb({
    doc: 'Shows all networks',
    role: 'viewer',
    request: nothingSchema,
    reply: networkListSchema,
    example: {},
  }),
  'network.remove': verb({
    doc: 'Removes a network that no container uses',
    role: 'operator',
    request: networkRemovalSchema,
    reply: networkNamedSchema,
    example: { name: 'demo', force: true },
  }),
  'network.update': verb({
    doc: 'Changes name servers and guards of a network, at once, also for containers that are up',
    role: 'operator',
    request: networkUpdateSchema,
    reply: networkCreatedSchema,
    example: { name: 'demo', addDnsServers: ['192.0.2.53'] },
  }),
  'network.prune': verb({
    doc: 'Removes all networks that no container uses, except the default network. If one cannot be removed, `detail` of the fault names those that were removed',
    role: 'operator',
    request: networkPruneSchema,
    reply: networksPrunedSchema,
    example: {},
  }),
  'plan.network': verb({
    doc: 'Completes the definition of a network that an engine is about to keep itself; changes nothing',
    role: 'viewer',
    request: networkProposalSchema,
    reply: networkProposedSchema,
    example: {
      network: { name: 'demo', id: '2a97516c354b68848cdbd8f54a226a0a55b21ed138e207ad6c5cbb9c00aa5aea' },
      used: { subnets: ['10.89.0.0/24'] },
    },
  }),
};
