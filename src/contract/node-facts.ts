import { z } from 'zod';
import { hostStates } from '../core/view.ts';
import { fact } from './fact.ts';
import { containerIdField, driftedSettingsSchema, familySchema, faultSchema, wayOut } from './schemas.ts';

const families = z.array(familySchema);
const steps = z.array(z.string()).describe('what was missing or changed, as steps that restore it');
const tookMs = z.number().describe('duration of the kernel steps, in milliseconds');
const what = z.enum(['firewall', 'forwarding', 'uplink', 'resolver']).meta({ id: 'NodePart' });

const drift = {
  what,
  steps: steps.optional(),
  drifted: driftedSettingsSchema.optional().describe('of `forwarding`'),
  tookMs: tookMs.optional(),
  hostIp: wayOut.hostIp.optional(),
  link: wayOut.link.optional(),
  mtuBytes: wayOut.mtuBytes.optional(),
  before: z.object(wayOut).meta({ id: 'WayOut' }).optional().describe('what the uplink was'),
};

export const nodeStateSchema = z.enum(hostStates).meta({ id: 'NodeState', description: 'of the host, after the fact' });

/** Facts about the host itself. */
export const nodeFacts = {
  serving: fact({ when: 'the daemon accepts commands', data: z.object({}), example: {} }),
  failed: fact({
    when: "the firewall's base ruleset was refused",
    data: z.object({ fault: faultSchema }),
    example: { fault: { code: 'kernel.refused', message: 'nft.load: Operation not permitted' } },
  }),
  'forwarding-on': fact({
    when: 'netloom has switched forwarding on for a network',
    data: z.object({ families, steps }),
    example: { families: [4], steps: ['sysctl.set net.ipv4.ip_forward 1'] },
  }),
  'forwarding-off': fact({
    when: 'the last IPv6 network was removed: forwarding and accept_ra are as they were before',
    data: z.object({ families }),
    example: { families: [6] },
  }),
  'definition-damaged': fact({
    when: "the file of a network's definition is damaged",
    data: z.object({ file: z.string(), reason: z.string().describe('why, as text') }),
    example: { file: '/etc/netloom/networks/demo.json', reason: 'it is not JSON' },
  }),
  'events-left-out': fact({
    when: 'there was no room for events (more than 40,000 waited, or the run directory was full): they are not published',
    data: z.object({
      count: z.int(),
      since: z.string().describe('when the first of them was left out, ISO 8601'),
      until: z.string().describe('when the last of them was left out, ISO 8601'),
    }),
    example: { count: 12, since: '2026-01-01T12:00:00.000Z', until: '2026-01-01T12:00:03.000Z' },
  }),
  'port-lost': fact({
    when: 'a host port that a container publishes could not be bound again after a restart',
    data: z.object({ container: containerIdField, fault: faultSchema }),
    example: { container: 'web', fault: { code: 'port.taken', message: 'host port 8080/tcp is in use' } },
  }),
  'drift-detected': fact({
    when: 'the base ruleset or forwarding was changed, the host reaches the outside by another address, or the resolver ended',
    data: z.object({ ...drift, fault: faultSchema.optional().describe('why it could not be restored') }),
    example: { what: 'firewall', steps: ['nft.load'], tookMs: 3.2 },
  }),
  'drift-healed': fact({
    when: 'that is restored',
    data: z.object(drift),
    example: { what: 'firewall', steps: ['nft.load'], tookMs: 3.2 },
  }),
  degraded: fact({
    when: 'the base ruleset could not be restored',
    data: z.object({ what, fault: faultSchema }),
    example: { what: 'firewall', fault: { code: 'kernel.refused', message: 'nft.load: Operation not permitted' } },
  }),
  'port-stuck': fact({
    when: 'ports that a container no longer publishes could not be released',
    data: z.object({ container: containerIdField, fault: faultSchema }),
    example: { container: 'web', fault: { code: 'internal.unexpected', message: 'host port 8080/tcp is still bound' } },
  }),
};
