import { definition, failure } from '../ask.ts';
import type { PodmanHost } from '../host.ts';
import type { Scenario } from '../outcome.ts';

/** C06: what podman 6 leaves to netavark: which networks are made, and which of their values are chosen. */

/** Each alone, so that the values of one are free for the next; a random subnet is shown by its length. */
async function made(host: PodmanHost, name: string, options: string): Promise<unknown> {
  const tried = failure(await host.podman(`network create ${options} ${name}`));
  if (tried.exitCode !== 0) return { refused: tried };
  const found = JSON.stringify(await definition(host, name)).replace(/fd(?!07)[0-9a-f:]+:(1?)"/g, 'fd…::$1"');
  await host.must(`network rm ${name}`);
  return { made: JSON.parse(found.replace(/fd(?!07)[0-9a-f:]+::\/64/g, 'fd…::/64')) };
}

const asked: Record<string, string> = {
  'without IPAM': '--ipam-driver none',
  'without IPAM, internal': '--ipam-driver none --internal',
  'without IPAM, IPv6': '--ipam-driver none --ipv6',
  'without IPAM, a subnet': '--ipam-driver none --subnet 10.7.0.0/24',
  'without IPAM, name servers': '--ipam-driver none --dns 9.9.9.9',
  'of a known IPAM': '--ipam-driver host-local',
  'of an unknown IPAM': '--ipam-driver magic',
  'without names': '--disable-dns',
  'without names, name servers': '--disable-dns --dns 9.9.9.9',
  'internal, without names': '--internal --disable-dns',
  'name servers': '--dns 9.9.9.9 --dns fd07::9',
  'both families': '--ipv6',
  'both families, IPv6 given': '--ipv6 --subnet fd07::/64',
  'IPv6 alone': '--subnet fd07::/64',
  'no room for a gateway': '--subnet 10.7.0.0/31',
  'a gateway outside': '--subnet 10.7.0.0/24 --gateway 10.8.0.1',
  'the network address as gateway': '--subnet 10.7.0.0/24 --gateway 10.7.0.0',
  'the broadcast address as gateway': '--subnet 10.7.0.0/24 --gateway 10.7.0.255',
  'a range outside': '--subnet 10.7.0.0/24 --ip-range 10.8.0.0/25',
  'a subnet of the host': '--subnet 10.77.0.0/24',
  'two overlapping subnets': '--subnet 10.7.0.0/16 --subnet 10.7.3.0/24',
  'a route': '--subnet 10.7.0.0/24 --route 10.9.0.0/24,10.7.0.9,7',
  'a route to an address': '--subnet 10.7.0.0/24 --route 10.9.0.1/24,10.7.0.9',
  'a bridge by name': '--interface-name br7',
  'a bridge whose name is taken': '--interface-name podman0',
  isolated: '-o isolate=true',
  'as docker says it': '-o com.docker.network.driver.mtu=1400 -o com.docker.network.bridge.name=br8',
  'macvlan upon a parent': '-d macvlan --interface-name up0 --subnet 10.7.0.0/24',
  'macvlan, host-local without a subnet': '-d macvlan --ipam-driver host-local',
  'macvlan without IPAM': '-d macvlan --ipam-driver none',
  'macvlan upon nothing': '-d macvlan --interface-name nothing0 --subnet 10.7.0.0/24',
  'macvlan, name servers': '-d macvlan --subnet 10.7.0.0/24 --dns 9.9.9.9',
  'ipvlan without a subnet': '-d ipvlan --interface-name up0',
  'an unknown driver': '-d overlay',
};

/** Networks of netloom's own. */
const options: Record<string, string> = { 'open inwards': '-o inbound=open' };

/** Since netavark 1.14. */
const unmanaged: Record<string, string> = {
  'unmanaged, nothing given': '-o mode=unmanaged',
  'unmanaged, a subnet': '-o mode=unmanaged --subnet 10.7.0.0/24',
  'unmanaged, a bridge that is not there': '-o mode=unmanaged --interface-name nothing0',
  'unmanaged, IPv6': '-o mode=unmanaged --ipv6',
  'unmanaged without IPAM': '-o mode=unmanaged --ipam-driver none',
  'a subnet of the host, unmanaged': '-o mode=unmanaged --subnet 10.77.0.0/24',
};

export const creates: Scenario[] = [
  {
    title: 'podman network create, one word at a time',
    probes: {
      'without IPAM.made.ipam_options.driver': 'none',
      'without IPAM.made.dns_enabled': false,
      'isolated.made.options.isolate': 'true',
      'a route.made.routes.0.metric': 7,
      'the network address as gateway.made.subnets.0.gateway': '10.7.0.0',
      'the broadcast address as gateway.made.subnets.0.gateway': '10.7.0.255',
      'without names, name servers.refused.exitCode': 125,
      'a gateway outside.refused.exitCode': 125,
    },
    async run(host) {
      const outcome: Record<string, unknown> = {};
      for (const [name, wish] of Object.entries({ ...asked, ...options, ...unmanaged }))
        outcome[name] = await made(host, 'n1', wish);
      return outcome;
    },
  },
];
