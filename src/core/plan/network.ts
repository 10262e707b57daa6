import { networkAddress } from '../actor-address.ts';
import { type Family, families, linkLocalAddress, parseSubnet, type Subnet } from '../address.ts';
import { networkElements, networkFirewall } from '../firewall/network-elements.ts';
import { describeElement, type Element } from '../firewall/nft.ts';
import { linkUse } from '../network/check.ts';
import {
  answersNames,
  carriesIpv6,
  followsUplink,
  gatewaysOf,
  hasIpv6Subnet,
  hasOurRules,
  type NetworkDefinition,
  ownsBridge,
} from '../network/definition.ts';
import { networkSettings } from '../network/options.ts';
import { bridgeAlias, bridgeMac, formerBridgeMac, ownerMark } from '../object-names.ts';
import type { Step } from '../steps/step.ts';
import {
  type BridgeTraits,
  bridgeSettings,
  type ExplainedSetting,
  explainedBridgeSettings,
} from './interface-settings.ts';
import type { Plan } from './plan.ts';
import type { NetworkPurpose } from './purpose.ts';

/** The basis of a network's plans. */
export interface NetworkGrant {
  definition: NetworkDefinition;
  /** the domain that containers' names end in */
  searchDomain: string;
  /** a member publishes a port that 127.0.0.1 reaches, which may lead into this network */
  onLoopback?: boolean;
}

/** Writes the definition where podman keeps its own; `previous` is the former content. */
export function definePlan(
  definition: NetworkDefinition,
  previous: NetworkDefinition | null = null,
): Plan<NetworkPurpose> {
  return { purpose: { kind: 'define' }, kind: 'build', steps: [{ verb: 'definition.write', definition, previous }] };
}

/** Returns the families that the host must forward while the network is up. */
export function routedFamilies(definition: NetworkDefinition): Family[] {
  if (!ownsBridge(definition) || definition.internal) return [];
  const all = new Set(definition.subnets.map(({ subnet }) => parseSubnet(subnet)?.family));
  return families.filter((family) => all.has(family));
}

/** Builds the whole network in the kernel. Safe to repeat. The last output describes its link. */
export function raisePlan(grant: NetworkGrant): Plan<NetworkPurpose> {
  return { purpose: { kind: 'raise' }, kind: 'extend', steps: deviceSteps(grant) };
}

/** Repairs a network that is in use: leaves alone what matches, restores what is missing, removes nothing. */
export function mendPlan(grant: NetworkGrant, kind: 'mend' | 'adopt'): Plan<NetworkPurpose> {
  return { purpose: { kind }, kind: 'mend', steps: [{ verb: 'nft.load' }, ...deviceSteps(grant)] };
}

/** Stops routing loopback addresses on the bridge, when no port is published on loopback any longer. */
export function closePlan({ definition }: NetworkGrant): Plan<NetworkPurpose> {
  const name = definition.network_interface as string;
  const steps: Step[] = [{ verb: 'link.set', netns: null, name, ipv4: { routeLocalnet: false } }];
  return { purpose: { kind: 'close' }, kind: 'build', steps };
}

/** Applies the parts of a definition that may change while containers use it: its resolver's servers, and what its guards let through. */
export function updatePlan(
  before: NetworkDefinition,
  after: NetworkGrant,
  { isUp, writes = true }: { isUp: boolean; writes?: boolean },
): Plan<NetworkPurpose> {
  const { steps } = definePlan(after.definition, before);
  const device = isUp
    ? [...guardSteps(before, after.definition), ...trustSteps(before, after.definition), ...resolverSteps(after)]
    : [];
  return { purpose: { kind: 'update' }, kind: 'build', steps: [...(writes ? steps : []), ...device] };
}

/** Replaces the guards in one transaction: no packet meets a state that neither definition wants. */
function guardSteps(before: NetworkDefinition, after: NetworkDefinition): Step[] {
  if (!ownsBridge(after)) return [];
  const [present, wanted] = [before, after].map((definition) => networkElements(networkFirewall(definition)));
  const without = (all: Element[] = [], others: Element[] = []) => {
    const known = new Set(others.map(describeElement));
    return all.filter((element) => !known.has(describeElement(element)));
  };
  const [remove, add] = [without(present, wanted), without(wanted, present)];
  return remove.length + add.length > 0 ? [{ verb: 'nft.replace', remove, add }] : [];
}

/**
 * Removes a network. A foreign bridge or a parent stays. forget: removes the definition's file; unmake: the network is in the kernel,
 * or may be; made: netloom made the bridge, or may have made it.
 */
export function lowerPlan(
  { definition }: NetworkGrant,
  { forget = true, unmake = true, made = true } = {},
): Plan<NetworkPurpose> {
  const { name, network_interface: link } = definition;
  const isOurs = unmake && ownsBridge(definition) && link !== null;
  return {
    purpose: { kind: 'lower' },
    kind: 'dismantle',
    steps: [
      ...(answersNames(definition) ? [{ verb: 'dns.retire', network: name } as const] : []),
      ...(isOurs
        ? ([
            { verb: 'nft.delete', elements: networkElements(networkFirewall(definition)) },
            ...(made ? bridgeRemoval(definition, link) : []),
            { verb: 'settings.forget', link },
            ...(made ? trust('firewalld.distrust', definition) : []),
          ] satisfies Step[])
        : []),
      ...(forget ? [{ verb: 'definition.remove', name } as const] : []),
    ],
  };
}

/** Returns steps that remove its bridge; from a bridge that other networks use as well (VLANs), only its addresses. */
function bridgeRemoval(definition: NetworkDefinition, name: string): Step[] {
  const bridge = {
    macAddresses: macsOfBridge(definition),
    network: ownerMark(networkAddress(definition.name)),
    ...(linkUse(definition) === 'vlan' && { shared: true }),
  };
  return [...bridgeAddresses('address.delete', definition, name), { verb: 'link.delete', netns: null, name, bridge }];
}

/** Inspects the link of a network on a foreign link. */
export function lookPlan(grant: NetworkGrant): Plan<NetworkPurpose> {
  return { purpose: { kind: 'look' }, kind: 'mend', steps: deviceSteps(grant) };
}

/** Finds the link. A netloom bridge has the smallest MTU of its ports, so its own MTU does not show what the next port should have. */
export function findStep(definition: NetworkDefinition): Extract<Step, { verb: 'link.find' }> {
  const follows = followsUplink(definition) && definition.network_interface !== null;
  return { verb: 'link.find', name: definition.network_interface, ...(follows && { mtuOf: 'uplink' }) };
}

function deviceSteps(grant: NetworkGrant): Step[] {
  const { definition, onLoopback = false } = grant;
  const found = findStep(definition);
  if (!ownsBridge(definition)) return [found, ...resolverSteps(grant)];
  return [
    ...bridgeSteps(definition, definition.network_interface as string, onLoopback),
    ...resolverSteps(grant),
    found,
  ];
}

export function bridgeTraits({ internal, subnets }: NetworkDefinition, onLoopback: boolean | null): BridgeTraits {
  return { onLoopback, internal, hasIpv6: hasIpv6Subnet({ subnets }) };
}

/** Returns the settings of its bridge, for users; none for a foreign link. */
export function settingsOfBridge(definition: NetworkDefinition, onLoopback: boolean): ExplainedSetting[] {
  const { network_interface: link } = definition;
  if (!ownsBridge(definition) || link === null) return [];
  return explainedBridgeSettings(link, bridgeTraits(definition, onLoopback));
}

/** Returns the MAC addresses by which netloom recognizes the network's bridge as one that it made. */
export const macsOfBridge = ({ name, network_interface: bridge }: NetworkDefinition): string[] => [
  ...(bridge === null ? [] : [bridgeMac(bridge)]),
  formerBridgeMac(name),
];

/** Returns steps for the bridge, its gateway addresses, forwarding, and the network's elements. */
function bridgeSteps(definition: NetworkDefinition, bridge: string, onLoopback: boolean): Step[] {
  const { mtuBytes, vlanId, vrf } = networkSettings(definition);
  const macAddress = bridgeMac(bridge);
  // only the first member whose port leads here switches it on
  const traits = bridgeTraits(definition, onLoopback ? null : false);
  const { ipv4, ipv6 } = bridgeSettings(traits);
  return [
    {
      verb: 'link.bridge',
      name: bridge,
      macAddress,
      mtuBytes: mtuBytes ?? 'uplink',
      ...(vlanId === null ? {} : { vlanFiltering: true }),
    },
    // before it is up: a bridge that is up receives router advertisements
    ...(carriesIpv6(mtuBytes) ? [{ verb: 'link.ipv6', netns: null, name: bridge, settings: ipv6 } as const] : []),
    {
      verb: 'link.set',
      netns: null,
      name: bridge,
      up: true,
      alias: bridgeAlias(definition.name),
      ...(vrf === null ? {} : { master: vrf }),
      ipv4,
      ...(carriesIpv6(mtuBytes) ? { ipv6AddressGeneration: 'none' } : {}),
    },
    ...bridgeAddresses('address.add', definition, bridge),
    { verb: 'settings.persist', link: bridge, traits },
    { verb: 'nft.add', elements: networkElements(networkFirewall(definition)) },
    ...trust('firewalld.trust', definition),
  ];
}

/** Returns the firewalld step, also for an internal network: its containers ask the host for names. */
function trust(verb: 'firewalld.trust' | 'firewalld.distrust', definition: NetworkDefinition): Step[] {
  const subnets = definition.subnets.map(({ subnet }) => subnet);
  return subnets.length === 0 || !hasOurRules(definition) ? [] : [{ verb, subnets }];
}

/** Returns the firewalld steps when its engine begins or stops wanting rules. */
function trustSteps(before: NetworkDefinition, after: NetworkDefinition): Step[] {
  if (hasOurRules(before) === hasOurRules(after)) return [];
  return [...trust('firewalld.distrust', before), ...trust('firewalld.trust', after)];
}

function resolverSteps({ definition, searchDomain }: NetworkGrant): Step[] {
  if (!answersNames(definition)) return [];
  const { network_interface: link } = definition;
  return [
    {
      verb: 'dns.serve',
      network: definition.name,
      ...(ownsBridge(definition) || link === null
        ? { listen: gatewaysOf(definition), redirect: { port: definition.dns_port ?? null } }
        : { listen: [], redirect: null, link }),
      subnets: definition.subnets.map(({ subnet }) => subnet),
      searchDomain,
      servers: definition.network_dns_servers,
      forward: !definition.internal,
    },
  ];
}

/** Lists what the network has on its bridge: a link-local address, and its gateways. */
function bridgeAddresses(
  verb: 'address.add' | 'address.delete',
  definition: NetworkDefinition,
  bridge: string,
): Step[] {
  const gateways = definition.subnets.flatMap(({ subnet, gateway }) => {
    const { prefixLength } = parseSubnet(subnet) as Subnet;
    return gateway === null ? [] : [`${gateway}/${prefixLength}`];
  });
  const addresses = [...(hasIpv6Subnet(definition) ? [linkAddress(definition)] : []), ...gateways];
  return addresses.map((address) => ({ verb, netns: null, link: bridge, address }));
}

/**
 * Returns the link-local address of its bridge. The kernel would only use one of its own after a second or two of looking for
 * duplicates; until then it cannot resolve neighbours, so nothing from elsewhere would reach the first container by IPv6. It follows
 * from the network's name, as in earlier versions: an upgrade must not change the addresses of a bridge that is in use.
 */
const linkAddress = ({ name }: NetworkDefinition): string => `${linkLocalAddress(formerBridgeMac(name))}/64`;
