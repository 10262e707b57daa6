import type { NetloomClient } from '../../client.ts';
import {
  dropText,
  type FirewallDrop,
  type ForeignFirewalls,
  stopsText,
} from '../../core/firewall/foreign/obstacles.ts';
import type { NetworkDefinition } from '../../core/network/definition.ts';
import { missingPrivileges } from '../../kernel/privileges.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { bad, type Finding, good, untried } from './finding.ts';

const check = 'Other firewalls';

/**
 * Reports drops by other firewalls, from the daemon; reads the rules itself if no daemon answers, or it has no networks
 * yet.
 */
export async function firewallChecks(options: GlobalOptions): Promise<Finding[]> {
  const asked = await withClient({ timeout: 5_000, ...options }, (client: NetloomClient) =>
    Promise.all([client.firewalls(), client.network.list()]),
  ).catch(() => null);
  if (asked && asked[1].networks.length > 0) return findings(asked[0]);
  if (missingPrivileges().length > 0) return [untried(check, 'reading their rules needs privileges')];
  const { lookAtFirewalls } = await import('../../kernel/firewalls/foreign-rules.ts');
  return findings(await lookAtFirewalls([nextNetwork]));
}

/** Example of a future network. */
const nextNetwork: NetworkDefinition = {
  name: 'netloom0',
  id: '',
  driver: 'bridge',
  network_interface: 'netloom0',
  created: '',
  subnets: [
    { subnet: '10.89.0.0/24', gateway: '10.89.0.1' },
    { subnet: 'fd89::/64', gateway: 'fd89::1' },
  ],
  routes: [],
  ipv6_enabled: true,
  internal: false,
  dns_enabled: true,
  network_dns_servers: [],
  labels: {},
  options: {},
  ipam_options: { driver: 'host-local' },
};

function findings({ drops, unread }: ForeignFirewalls): Finding[] {
  const found = [...drops.map(finding), ...unread.map((line) => untried(check, line))];
  return found.length > 0 ? found : [good(check, "none drops netloom's traffic")];
}

function finding(drop: FirewallDrop): Finding {
  return bad(check, `${dropText(drop)} ${stopsText(drop)}`, [...drop.remedy, 'see docs/firewalls.md'].join('; '));
}
