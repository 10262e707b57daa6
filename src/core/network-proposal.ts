import { z } from 'zod';
import { type Family, formatSubnet, parseSubnet, type Subnet, subnetsOverlap } from './address.ts';
import { type Fault, fault } from './fault.ts';
import {
  completeSubnet,
  type NetworkDefinition,
  type NetworkSubnet,
  type NetworkWish,
  networkDefinition,
  networkRequestSchema,
  networkWish,
} from './network.ts';
import { freeSubnet, type SubnetPool } from './subnet-pool.ts';

/**
 * A network that an engine is about to define, completed: podman 6 asks its network backend for that, and keeps the answer itself.
 * What is in use is told by the engine, for it alone knows its own networks.
 */
export const networkProposalSchema = z
  .object({
    network: networkRequestSchema.extend({
      id: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits'),
      // some spell "none" so
      network_interface: z.string().nullish().describe('bridge or parent; default: the first free name'),
    }),
    used: z
      .object({
        interfaces: z.array(z.string()).nullish(),
        names: z.record(z.string(), z.string()).nullish().describe('name → id'),
        subnets: z.array(z.string()).nullish().describe('CIDR, of networks and of the host'),
      })
      .nullish()
      .describe('what no network can have any more'),
    options: z
      .object({
        subnet_pools: z.array(z.object({ base: z.string(), size: z.int().min(1).max(128) })).nullish(),
        default_interface_name: z.string().nullish().describe('what the names of bridges begin with, default podman'),
        check_used_subnets: z.boolean().nullish().describe('default: true'),
      })
      .nullish(),
  })
  .describe('a network that an engine is about to define, and what is in use');
type Proposal = z.output<typeof networkProposalSchema>;

/** The definition, complete; `created`: when it is made, ISO 8601. */
export function proposedNetwork({ network, used, options }: Proposal, created: string): NetworkDefinition | Fault {
  const holder = used?.names?.[network.name];
  if (holder !== undefined)
    return fault('network.exists', `network already exists: ${network.name} has id ${holder.slice(0, 12)}`);
  const isBridge = (network.driver ?? 'bridge') === 'bridge';
  const wish = networkWish({
    ...network,
    network_interface: network.network_interface || null,
    // names are answered for at a gateway of ours
    dns_enabled: isBridge ? (network.dns_enabled ?? null) : false,
  });
  if ('code' in wish) return wish;
  const taken = new Set(used?.interfaces ?? []);
  if (wish.link !== null && taken.has(wish.link) && !mayShare(wish))
    return fault('link.exists', `bridge name ${wish.link} already in use`);
  const subnets = allSubnets(wish, network.subnets ?? [], { used, options });
  if ('code' in subnets) return subnets;
  const bridge = wish.link ?? (isBridge ? freeName(options?.default_interface_name || 'podman', taken) : null);
  return { ...networkDefinition(wish, { bridge, subnets, created }), id: network.id };
}

/** Networks upon somebody else's link, and those that a bridge keeps apart by their VLAN. */
const mayShare = ({ sharesLink, options }: NetworkWish): boolean => sharesLink || options.vlan !== undefined;

function allSubnets(
  wish: NetworkWish,
  asked: NonNullable<Proposal['network']['subnets']>,
  { used, options }: Pick<Proposal, 'used' | 'options'>,
): NetworkSubnet[] | Fault {
  const inUse = (used?.subnets ?? []).flatMap((text) => parseSubnet(text) ?? []);
  const clash = wish.sharesLink || options?.check_used_subnets === false ? null : firstClash(wish.subnets, inUse);
  if (clash) return fault('subnet.taken', `subnet ${clash} is already used on the host or by another config`);
  const subnets = wish.subnets.map((subnet, index) =>
    leadsOut(wish) || asked[index]?.gateway ? subnet : { ...subnet, gateway: null },
  );
  for (const family of wish.automatic) {
    const own = subnets.map(({ subnet }) => parseSubnet(subnet) as Subnet);
    const free = freeSubnet(family, [...inUse, ...own], poolsOf(family, options));
    if (!free) return fault('subnet.exhausted', `could not find free subnet from subnet pools for IPv${family}`);
    const completed = completeSubnet(free, null, null);
    if ('code' in completed) return completed;
    subnets.push(leadsOut(wish) ? completed : { ...completed, gateway: null });
  }
  return subnets;
}

/** Whether anything of the network's own has the gateway's address: the way out, or the resolver. */
const leadsOut = ({ internal, dnsEnabled }: NetworkWish): boolean => !internal || dnsEnabled;

function firstClash(subnets: readonly NetworkSubnet[], inUse: readonly Subnet[]): string | null {
  const found = subnets
    .map(({ subnet }) => parseSubnet(subnet) as Subnet)
    .find((subnet) => inUse.some((other) => subnetsOverlap(subnet, other)));
  return found ? formatSubnet(found) : null;
}

/** null: our own pools; of IPv6, engines have none. */
function poolsOf(family: Family, options: Proposal['options']): SubnetPool[] | undefined {
  if (family === 6 || !options?.subnet_pools?.length) return undefined;
  return options.subnet_pools.map(({ base, size }) => ({ base, prefixLength: size }));
}

function freeName(prefix: string, taken: ReadonlySet<string>): string {
  for (let index = 0; ; index++) if (!taken.has(`${prefix}${index}`)) return `${prefix}${index}`;
}
