import { nothingSchema, verb } from './command.ts';
import { foreignFirewallsSchema, gcResultSchema, nodeInfoSchema, workerRestartedSchema } from './node-replies.ts';
import { gcSchema, workerReferenceSchema } from './node-requests.ts';

/** Commands about a node. */
export const nodeVerbs = {
  'node.info': verb({
    doc: 'Shows the state of the daemon',
    role: 'viewer',
    request: nothingSchema,
    reply: nodeInfoSchema,
    example: {},
  }),
  'node.firewalls': verb({
    doc: 'Shows which other firewalls drop traffic of networks, which traffic, and the commands that let it pass',
    role: 'viewer',
    request: nothingSchema,
    reply: foreignFirewallsSchema,
    example: {},
  }),
  'node.gc': verb({
    doc: 'Removes kernel objects of netloom that have no owner; with `unstarted` also containers that were never started',
    role: 'admin',
    request: gcSchema,
    reply: gcResultSchema,
    example: { dryRun: true, unstarted: true },
  }),
  'worker.restart': verb({
    doc: 'Kills a kernel worker and starts a new one; its actors are restored from the journal',
    role: 'admin',
    request: workerReferenceSchema,
    reply: workerRestartedSchema,
    example: { index: 0 },
  }),
};
