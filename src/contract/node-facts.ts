import { z } from 'zod';
import { hostStates } from '../core/view.ts';
import { fact } from './fact.ts';
import {
  containerIdField,
  driftFields,
  driftFoundFields,
  familySchema,
  faultSchema,
  stepsSchema,
  wayOut,
} from './schemas.ts';

const families = z.array(familySchema);
const what = z.enum(['firewall', 'forwarding', 'uplink', 'resolver']).meta({ id: 'NodePart' });

const drift = {
  what,
  ...driftFields,
  drifted: driftFields.drifted.describe('of `forwarding`'),
  hostIp: wayOut.hostIp.optional(),
  link: wayOut.link.optional(),
  mtuBytes: wayOut.mtuBytes.optional(),
  before: z.object(wayOut).meta({ id: 'WayOut' }).optional().describe('what the uplink was'),
};

export const nodeStateSchema = z.enum(hostStates).meta({ id: 'NodeState', description: 'of the host, after the fact' });

const exampleNftFault = {
  code: 'kernel.refused' as const,
  message: 'nft.load: load ruleset: ENOENT (libnftables.so.1 not found: install the package nftables)',
  step: 'nft.load',
  errno: 'ENOENT',
  detail: 'libnftables.so.1 not found: install the package nftables',
};

/** Facts about the host itself. */
export const nodeFacts = {
  serving: fact({ when: 'the daemon accepts commands', data: z.object({}), state: 'serving', example: {} }),
  failed: fact({
    when: "the firewall's base ruleset was refused",
    data: z.object({ fault: faultSchema }),
    state: 'failed',
    example: { fault: exampleNftFault },
  }),
  'forwarding-on': fact({
    when: 'netloom has switched forwarding on for a network',
    data: z.object({ families, steps: stepsSchema }),
    state: 'serving',
    example: { families: [4], steps: ['sysctl.turn net.ipv4.ip_forward=1'] },
  }),
  'forwarding-off': fact({
    when: 'the last IPv6 network was removed: forwarding and accept_ra are as they were before',
    data: z.object({ families }),
    state: 'serving',
    example: { families: [6] },
  }),
  'definition-damaged': fact({
    when: "the file of a network's definition is damaged",
    data: z.object({ file: z.string(), reason: z.string().describe('why, as text') }),
    state: 'serving',
    example: { file: 'demo.json', reason: 'the file is not valid JSON: line 3, column 9' },
  }),
  'events-left-out': fact({
    when: 'there was no room for events (more than 40,000 waited, or the run directory was full): they are not published',
    data: z.object({
      count: z.int(),
      since: z.string().describe('when the first of them was left out, ISO 8601'),
      until: z.string().describe('when the last of them was left out, ISO 8601'),
    }),
    state: 'serving',
    example: { count: 12, since: '2026-01-01T12:00:00.000Z', until: '2026-01-01T12:00:03.000Z' },
  }),
  'journal-rebuilt': fact({
    when: 'the journal was damaged or missing, and the daemon has found these containers in the kernel',
    data: z.object({
      cause: z.enum(['damaged', 'missing']).meta({ id: 'JournalLoss' }),
      kept: z.string().nullable().describe('where the damaged journal is kept'),
      containers: z.array(containerIdField),
    }),
    state: 'serving',
    example: { cause: 'damaged', kept: '/run/netloom/journal.damaged', containers: ['web', 'db'] },
  }),
  'port-lost': fact({
    when: 'a host port that a container publishes could not be bound again after a restart',
    data: z.object({ container: containerIdField, fault: faultSchema }),
    state: 'serving',
    example: {
      container: 'web',
      fault: {
        code: 'port.taken',
        message: 'host port 8080/tcp is in use',
        step: 'port.hold 0.0.0.0, :: port 8080/tcp',
        errno: 'EADDRINUSE',
        port: { protocol: 'tcp', port: 8080 },
      },
    },
  }),
  'drift-detected': fact({
    when: 'the base ruleset or forwarding was changed, the host reaches the outside by another address, or the resolver ended',
    data: z.object({ ...drift, fault: driftFoundFields.fault }),
    state: 'serving',
    example: { what: 'firewall', steps: ['nft.load'], tookMs: 3.2 },
  }),
  'drift-healed': fact({
    when: 'that is restored',
    data: z.object(drift),
    state: 'serving',
    example: { what: 'firewall', steps: ['nft.load'], tookMs: 3.2 },
  }),
  degraded: fact({
    when: 'the base ruleset could not be restored',
    data: z.object({ what, fault: faultSchema }),
    state: 'degraded',
    example: { what: 'firewall', fault: exampleNftFault },
  }),
  'port-stuck': fact({
    when: 'ports that a container no longer publishes could not be released',
    data: z.object({ container: containerIdField, fault: faultSchema }),
    state: 'serving',
    example: { container: 'web', fault: { code: 'internal.unexpected', message: 'host port 8080/tcp is still bound' } },
  }),
};
