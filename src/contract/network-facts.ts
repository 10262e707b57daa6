import { z } from 'zod';
import { networkStates } from '../core/view.ts';
import { fact } from './fact.ts';
import { definitionSchema, driftFields, driftFoundFields, faultSchema } from './schemas.ts';

const exampleDefinition = {
  name: 'demo',
  id: '2a97516c354b68848cdbd8f54a226a0a55b21ed138e207ad6c5cbb9c00aa5aea',
  driver: 'bridge' as const,
  network_interface: 'netloom0',
  created: '2026-01-01T12:00:00.000Z',
  subnets: [{ subnet: '10.89.0.0/24', gateway: '10.89.0.1' }],
  routes: [],
  ipv6_enabled: false,
  internal: false,
  dns_enabled: true,
  network_dns_servers: [],
  labels: {},
  options: {},
  ipam_options: { driver: 'host-local' as const },
};

const bridge = z.string().describe('its bridge or parent on this host');

export const networkStateSchema = z
  .enum([...networkStates, 'removed'])
  .meta({ id: 'NetworkFactState', description: 'of the network, after the fact' });

/** Facts about networks. */
export const networkFacts = {
  created: fact({
    when: 'it is defined',
    data: z.object({ definition: definitionSchema }),
    state: 'defined',
    example: { definition: exampleDefinition },
  }),
  configured: fact({
    when: 'its bridge is up',
    data: z.object({ bridge }),
    state: 'up',
    example: { bridge: 'netloom0' },
  }),
  adopted: fact({
    when: 'the daemon was restarted and has checked the bridge',
    data: z.object({ bridge }),
    state: 'up',
    example: { bridge: 'netloom0' },
  }),
  updated: fact({
    when: 'its definition was changed',
    data: z.object({ definition: definitionSchema }),
    state: 'up',
    example: { definition: exampleDefinition },
  }),
  'drift-detected': fact({
    when: "a part of it was missing or changed, in the kernel or its definition's file",
    data: z.object(driftFoundFields),
    state: 'up',
    example: { steps: ['link.bridge netloom0'], tookMs: 0.9 },
  }),
  'drift-healed': fact({
    when: 'all of that is restored',
    data: z.object(driftFields),
    state: 'up',
    example: { steps: ['link.bridge netloom0'], tookMs: 0.9 },
  }),
  degraded: fact({
    when: 'something is missing and could not be restored; the next notice tries again',
    data: z.object({ fault: faultSchema }),
    state: 'degraded',
    example: { fault: { code: 'link.unknown', message: 'this host has no interface eth7' } },
  }),
  failed: fact({
    when: 'the bridge or the definition failed',
    data: z.object({ fault: faultSchema }),
    state: 'defined',
    example: { fault: { code: 'subnet.taken', message: 'subnet 10.89.0.0/24 overlaps 10.89.0.0/24 of network other' } },
  }),
  'tearing-down': fact({
    when: 'the bridge is about to be removed',
    data: z.object({}),
    state: 'lowering',
    example: {},
  }),
  removed: fact({ when: 'netloom has forgotten it', data: z.object({}), state: 'removed', example: {} }),
};
