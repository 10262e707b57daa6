import { type DhcpContext, dhcpMachine } from '../../../machines/dhcp/chart.ts';
import type { ActorEvent } from '../../../src/core/actor-event.ts';
import { termsOf } from '../../core/samples.ts';
import { applied, failed, recovered, type Terrain } from '../walk.ts';

/** The events of a DHCP client, with the fewest names and numbers that reach every state. */

export const place = {
  netns: '/netns/netloom-web',
  inode: 7,
  link: 'eth0',
  macAddress: '02:00:00:00:00:07',
  hostName: 'web',
};

export const dhcpTerrain: Terrain<DhcpContext> = {
  machine: dhcpMachine,
  input: { container: 'web', network: 'lan' },
  events: ({ outstanding }) => {
    // answers come after their questions
    if (outstanding.length > 1) return [recovered(true)];
    const answers: ActorEvent[] = [
      { type: 'dhcp.unacknowledged' },
      { type: 'dhcp.offered', terms: termsOf() },
      { type: 'dhcp.acknowledged', terms: termsOf() },
      { type: 'dhcp.acknowledged', terms: termsOf({ address: '192.0.2.8' }) },
      { type: 'dhcp.refused', server: '192.0.2.1', message: 'not here' },
      { type: 'dhcp.timeout', detail: null },
    ];
    return [
      { type: 'dhcp.start', attempt: 1, place },
      { type: 'dhcp.end' },
      { type: 'dhcp.neighbours', otherSubnets: ['10.89.0.3/24'] },
      ...answers,
      { type: 'dhcp.t1' },
      { type: 'dhcp.t2' },
      { type: 'dhcp.expired' },
      recovered(false),
      recovered(true),
    ];
  },
  results: (purpose) => [applied(purpose), failed(purpose)],
  essence: ({ offer, terms }) => [offer?.address, terms?.address],
};
