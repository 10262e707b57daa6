import { familyOf, linkLocalAddress, parseSubnet, type Subnet } from '../address.ts';
import { derivedMac } from '../names.ts';
import type { NetworkDefinition } from '../network.ts';
import { networkElements, networkFirewall } from '../nft.ts';
import type { Plan, Step } from './step.ts';

/** The bridge, its gateway addresses, forwarding, and the network's elements. Safe to perform again. */
export function raisePlan(definition: NetworkDefinition, mtuBytes: number | null): Plan {
  const bridge = definition.network_interface;
  const macAddress = derivedMac(`network/${definition.name}`);
  const hasIpv6 = definition.subnets.some(({ gateway }) => familyOf(gateway) === 6);
  return {
    name: 'raise',
    kind: 'build',
    steps: [
      { verb: 'link.bridge', name: bridge, macAddress, mtuBytes },
      {
        verb: 'link.set',
        netns: null,
        name: bridge,
        up: true,
        alias: `netloom network/${definition.name}`,
        // routeLocalnet lets the host reach published ports through 127.0.0.1; base.nft closes what it opens
        ipv4: definition.internal ? { forwarding: false } : { routeLocalnet: true, arpNotify: true },
        ipv6AddressGeneration: 'none',
      },
      ...(hasIpv6 ? [linkAddress(bridge, macAddress)] : []),
      ...gatewayAddresses(definition),
      ...(definition.internal ? [] : forwarding(hasIpv6)),
      { verb: 'nft.add', elements: elementsOf(definition) },
    ],
  };
}

/** The same for a bridge that is in use: what matches is left alone, what is missing is put back, nothing is taken away. */
export function mendPlan(definition: NetworkDefinition, mtuBytes: number | null): Plan {
  return { ...raisePlan(definition, mtuBytes), name: 'mend', kind: 'mend' };
}

export function lowerPlan(definition: NetworkDefinition): Plan {
  return {
    name: 'lower',
    kind: 'dismantle',
    steps: [
      { verb: 'nft.delete', elements: elementsOf(definition) },
      { verb: 'link.delete', netns: null, name: definition.network_interface },
    ],
  };
}

function elementsOf(definition: NetworkDefinition) {
  return networkElements(networkFirewall(definition));
}

/**
 * The kernel would give the bridge the same one, but only use it after a second or two of looking for duplicates; until
 * then it cannot ask who has an address, so that nothing from elsewhere would reach the first container by IPv6.
 */
function linkAddress(bridge: string, macAddress: string): Step {
  return { verb: 'address.add', netns: null, link: bridge, address: `${linkLocalAddress(macAddress)}/64` };
}

function gatewayAddresses(definition: NetworkDefinition): Step[] {
  return definition.subnets.map(({ subnet, gateway }) => ({
    verb: 'address.add',
    netns: null,
    link: definition.network_interface,
    address: `${gateway}/${(parseSubnet(subnet) as Subnet).prefixLength}`,
  }));
}

function forwarding(hasIpv6: boolean): Step[] {
  const ipv6: Step[] = hasIpv6
    ? [{ verb: 'sysctl.set', netns: null, key: 'net.ipv6.conf.all.forwarding', value: '1' }]
    : [];
  return [{ verb: 'sysctl.set', netns: null, key: 'net.ipv4.ip_forward', value: '1' }, ...ipv6];
}
