import { z } from 'zod';
import { type Family, families, formatSubnet, parseSubnet, type Subnet, subnetsOverlap } from '../address.ts';
import { entryOf } from '../entry.ts';
import { type Fault, fault } from '../fault.ts';
import type { HostLink } from '../steps/host.ts';
import { freeSubnet, type SubnetPool } from '../subnet-pool.ts';
import { networkNameSchema } from '../token.ts';
import type { NetworkDefinition, NetworkSubnet } from './definition.ts';
import { type NetworkRequest, networkRequestSchema } from './request.ts';
import { type NetworkWish, networkDefinition, networkWish } from './wish.ts';

/**
 * Completion of a network that an engine is about to define: podman 6 asks its network backend for that, and keeps the answer
 * itself. The engine sends what is in use, because it alone knows its own networks.
 */
export const networkProposalSchema = z
  .object({
    network: networkRequestSchema.extend({
      // the engine decides which network may have which name
      name: networkNameSchema,
      id: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits'),
      // some engines spell "none" so
      network_interface: z.string().nullish().describe('bridge or parent; default: the first free name'),
    }),
    used: z
      .object({
        interfaces: z.array(z.string()).nullish(),
        names: z.record(z.string(), z.string()).nullish().describe('name → id'),
        subnets: z.array(z.string()).nullish().describe('CIDR, of networks and of the host'),
      })
      .nullish()
      .describe('already in use'),
    options: z
      .object({
        subnet_pools: z.array(z.object({ base: z.string(), size: z.int().min(1).max(128) })).nullish(),
        default_interface_name: z.string().nullish().describe('prefix of bridge names, default podman'),
        check_used_subnets: z.boolean().nullish().describe('default: true'),
      })
      .nullish(),
  })
  .describe('a network that an engine is about to define, and what is in use');
type Proposal = z.output<typeof networkProposalSchema>;

/**
 * Returns the complete definition: what netavark would choose and refuse. `links`: the host's links now; `created`: time of its
 * making, ISO 8601.
 */
export function proposedNetwork(
  proposal: Proposal,
  created: string,
  links: readonly HostLink[],
): NetworkDefinition | Fault {
  const { network, used } = proposal;
  const holder = entryOf(used?.names ?? {}, network.name);
  if (holder !== undefined)
    return fault('network.exists', `network already exists: ${network.name} has id ${holder.slice(0, 12)}`);
  const request = completeRequest(proposal, links);
  if ('code' in request) return request;
  const wish = networkWish(request, 'engine');
  if ('code' in wish) return wish;
  const refusal = linkRefusal(wish, proposal, links) ?? subnetRefusal(wish, proposal);
  if (refusal) return refusal;
  const subnets = wish.subnets.map((subnet, index) =>
    leadsOut(wish) || network.subnets?.[index]?.gateway ? subnet : { ...subnet, gateway: null },
  );
  return { ...networkDefinition(wish, { bridge: wish.link, subnets, created }), id: network.id };
}

/** Adds a bridge name, subnets, and what else follows from the driver. */
function completeRequest({ network, used, options }: Proposal, links: readonly HostLink[]): NetworkRequest | Fault {
  const { id: _, ...request } = network;
  if ((network.driver ?? 'bridge') !== 'bridge') return completeUponParent(request);
  const named = withoutDockerNames(request);
  // netloom's bridges belong to networks that the engine knows, or has removed a moment ago
  const others = links.filter(({ owner }) => owner === null).map(({ name }) => name);
  const taken = new Set([...(used?.interfaces ?? []), ...Object.keys(used?.names ?? {}), ...others]);
  // names are answered only for addresses that netloom gives
  const givesAddresses = !['none', 'dhcp'].includes(network.ipam_options?.driver ?? '');
  const found = givesAddresses ? freeSubnets(named, { used, options }) : [];
  if ('code' in found) return found;
  return {
    ...named,
    network_interface: named.network_interface || freeName(options?.default_interface_name || 'podman', taken),
    ...(found.length > 0 && { subnets: [...(network.subnets ?? []), ...found] }),
    // engines request names unless their users refuse them
    dns_enabled: givesAddresses ? (network.dns_enabled ?? null) : false,
  };
}

/**
 * Completes a network upon a parent: names are answered at a netloom gateway, which it does not have; without a subnet it asks a
 * DHCP server for addresses.
 */
function completeUponParent(request: NetworkRequest): NetworkRequest | Fault {
  const { ipam_options, subnets } = request;
  const network = { ...request, network_interface: request.network_interface || null, dns_enabled: false };
  if (ipam_options?.driver !== undefined || (subnets?.length ?? 0) > 0) return network;
  if (request.driver === 'ipvlan')
    return fault('mode.unsupported', 'ipam driver dhcp is not supported with ipvlan: give it a subnet');
  return { ...network, ipam_options: { ...ipam_options, driver: 'dhcp' } };
}

const dockerMtu = 'com.docker.network.driver.mtu';
const dockerBridge = 'com.docker.network.bridge.name';

/** Renames docker's options to netavark's own, which netavark keeps. */
function withoutDockerNames(request: NetworkRequest): NetworkRequest {
  const { [dockerMtu]: mtu, [dockerBridge]: bridge, ...options } = request.options ?? {};
  return {
    ...request,
    network_interface: bridge ?? request.network_interface ?? null,
    options: { ...options, ...(mtu !== undefined && { mtu }) },
  };
}

type Asked = Pick<Proposal, 'used' | 'options'>;

/** Picks subnets: a network without subnets gets one of IPv4, and one that requests IPv6 has both families in the end. */
function freeSubnets({ subnets, ipv6_enabled, options: own }: NetworkRequest, asked: Asked): NetworkSubnet[] | Fault {
  const given = (subnets ?? []).flatMap(({ subnet }) => parseSubnet(subnet) ?? []);
  const lacks = (family: Family) => !given.some((subnet) => subnet.family === family);
  const missing = ipv6_enabled ? families.filter(lacks) : (subnets ?? []).length === 0 ? [4 as const] : [];
  const found: Subnet[] = [];
  for (const family of missing) {
    const pools = poolsOf(family, asked.options);
    const beside = [...given, ...found];
    const free =
      freeSubnet(family, [...usedSubnets(asked), ...beside], pools) ??
      (checksUsed(own ?? {}, asked) ? null : freeSubnet(family, beside, pools));
    if (!free) return fault('subnet.exhausted', `could not find free subnet from subnet pools for IPv${family}`);
    found.push(free);
  }
  return found.map((subnet) => ({ subnet: formatSubnet(subnet), gateway: null }));
}

/** Checks whether subnets in use are refused: networks upon foreign bridges may share them, and so may the VLANs of a bridge. */
const checksUsed = (own: Record<string, string>, { options }: Asked): boolean =>
  !mayShare(own) && options?.check_used_subnets !== false;

const mayShare = ({ mode, vlan }: Record<string, string>): boolean => mode === 'unmanaged' || vlan !== undefined;

const usedSubnets = ({ used }: Asked): Subnet[] => (used?.subnets ?? []).flatMap((text) => parseSubnet(text) ?? []);

/** Refuses a link: a bridge's name must be free; a parent must exist. */
function linkRefusal(
  { driver, link, options }: NetworkWish,
  { used }: Asked,
  links: readonly HostLink[],
): Fault | null {
  if (link === null) return null;
  if (driver !== 'bridge')
    return links.some(({ name }) => name === link)
      ? null
      : fault('link.unknown', `parent interface ${link} does not exist`);
  const isTaken = used?.interfaces?.includes(link) && !mayShare(options);
  return isTaken ? fault('link.exists', `bridge name ${link} already in use`) : null;
}

function subnetRefusal(wish: NetworkWish, { network, ...asked }: Proposal): Fault | null {
  const subnets = wish.subnets.map(({ subnet }) => parseSubnet(subnet) as Subnet);
  const cramped = subnets.find((subnet, index) => isCramped(subnet) && !network.subnets?.[index]?.gateway);
  if (cramped && leadsOut(wish))
    return fault('subnet.invalid', `could not create gateway for subnet ${formatSubnet(cramped)}: it is too small`);
  if (wish.driver !== 'bridge' || !checksUsed(wish.options, asked)) return null;
  const inUse = usedSubnets(asked);
  const clash = subnets.find((subnet) => inUse.some((other) => subnetsOverlap(subnet, other)));
  return clash
    ? fault('subnet.taken', `subnet ${formatSubnet(clash)} is already used on the host or by another config`)
    : null;
}

/** Checks whether a subnet has no room for a gateway between its network and its broadcast address. */
const isCramped = ({ family, prefixLength }: Subnet): boolean => family === 4 && prefixLength > 30;

/** Checks whether anything of the network's own has the gateway's address: the way out, or the resolver. */
const leadsOut = ({ internal, dnsEnabled }: NetworkWish): boolean => !internal || dnsEnabled;

/** Returns the engine's pools; undefined: netloom's. Engines have no IPv6 pools. */
function poolsOf(family: Family, options: Proposal['options']): SubnetPool[] | undefined {
  if (family === 6 || !options?.subnet_pools?.length) return undefined;
  return options.subnet_pools.map(({ base, size }) => ({ base, prefixLength: size }));
}

/** Picks a free name from 1 on: 0 belongs to the engine's default network, even before that has one. */
function freeName(prefix: string, taken: ReadonlySet<string>): string {
  for (let index = 1; ; index++) if (!taken.has(`${prefix}${index}`)) return `${prefix}${index}`;
}
