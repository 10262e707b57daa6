import { familyOf } from '../../address.ts';
import type { Attachment } from '../../container/attachments.ts';
import { isDeepEqual } from '../../deep-equal.ts';
import { firstOfFamily, type Lease, type LeaseLink } from '../../lease/lease.ts';
import { carriesIpv6 } from '../../network/definition.ts';
import { hostEndName, macOfBridgePort, vethAlias, vethGroup } from '../../object-names.ts';
import type { LinkSettings } from '../../steps/link.ts';
import type { Step } from '../../steps/step.ts';
import {
  containerSettings,
  type ExplainedSetting,
  explainedContainerSettings,
  type Ipv6Settings,
} from '../interface-settings.ts';
import { type ContainerGrant, type Joined, joined, macOf } from './grant.ts';

/** Interfaces: both ends, their settings and addresses. */

/** Returns the settings of every interface inside, for users. */
export function settingsInside(grant: ContainerGrant): ExplainedSetting[] {
  return joined(grant).flatMap(({ attachment, lease }) => explainedContainerSettings(attachment.interfaceName, lease));
}

/**
 * Returns steps that run before the interfaces are up. In a namespace that this set-up makes, interfaces begin with the settings
 * of most networks, and need no step.
 */
export function ipv6Steps({ netns }: ContainerGrant, list: readonly Joined[], beginsWith: Ipv6Settings | null): Step[] {
  return list.flatMap(({ attachment, lease }): Step[] => {
    const settings = containerSettings(lease).ipv6;
    if (!carriesIpv6(lease.mtuBytes) || isDeepEqual(settings, beginsWith)) return [];
    return [{ verb: 'link.ipv6', netns, name: attachment.interfaceName, settings }];
  });
}

/** Returns the steps on the host's side: the interface itself, and its other end if it has one. */
export function hostEndSteps({ wish, netns }: ContainerGrant, attachment: Attachment, lease: Lease): Step[] {
  const { interfaceName } = attachment;
  const macAddress = macOf(wish, attachment, lease);
  const { link, mtuBytes } = lease;
  switch (link.kind) {
    case 'bridge':
      return vethSteps(wish.id, attachment, link, mtuBytes, { netns, name: interfaceName, macAddress });
    case 'macvlan': {
      const { parent, mode, broadcastLimit } = link;
      return [{ verb: 'link.macvlan', netns, name: interfaceName, parent, mode, broadcastLimit, macAddress, mtuBytes }];
    }
    case 'ipvlan':
      return [{ verb: 'link.ipvlan', netns, name: interfaceName, parent: link.parent, mode: link.mode, mtuBytes }];
  }
}

/** Checks user-chosen names before anything is built: another link may have one. */
export function vacantSteps({ netns }: ContainerGrant, list: readonly Joined[]): Step[] {
  return list.flatMap(({ attachment: { hostInterfaceName: name, interfaceName }, lease }): Step[] =>
    name === undefined || lease.link.kind !== 'bridge'
      ? []
      : [{ verb: 'link.vacant', name, peer: { netns, name: interfaceName } }],
  );
}

/** Returns the host's end of a veth to be removed; a user-chosen name is checked by its alias. */
export function hostEnd({ wish }: ContainerGrant, attachment: Attachment): { name: string; alias?: string } {
  const { network, hostInterfaceName } = attachment;
  const name = hostEndName(wish.id, attachment);
  return hostInterfaceName === undefined ? { name } : { name, alias: vethAlias(wish.id, network) };
}

function vethSteps(
  id: string,
  attachment: Attachment,
  link: Extract<LeaseLink, { kind: 'bridge' }>,
  mtuBytes: number | null,
  peer: { netns: string; name: string; macAddress: string },
): Step[] {
  const name = hostEndName(id, attachment);
  return [
    { verb: 'link.veth', name, macAddress: macOfBridgePort(link.bridge), mtuBytes, peer },
    {
      verb: 'link.set',
      netns: null,
      name,
      master: link.bridge,
      up: true,
      hairpin: true,
      alias: vethAlias(id, attachment.network),
      group: vethGroup,
      // a bridge port needs no address: saves addrconf and the flood of its multicast to every port
      ...addressGeneration('none', mtuBytes),
      ...(link.vlanId === null ? {} : { bridgeVlan: link.vlanId }),
    },
  ];
}

function addressGeneration(mode: 'none' | 'eui64', mtuBytes: number | null): LinkSettings {
  return carriesIpv6(mtuBytes) ? { ipv6AddressGeneration: mode } : {};
}

export function deleteLinkStep(grant: ContainerGrant, attachment: Attachment, lease: Lease): Step {
  return lease.link.kind === 'bridge'
    ? { verb: 'link.delete', netns: null, ...hostEnd(grant, attachment) }
    : { verb: 'link.delete', netns: grant.netns, name: attachment.interfaceName };
}

/** Cuts a link: nothing passes any longer, and processes in the namespace see that they have no address there. */
export function cutSteps(grant: ContainerGrant, attachment: Attachment, lease: Lease): Step[] {
  return [
    ...lease.addresses.map(
      ({ address, prefixLength }): Step => ({
        verb: 'address.delete',
        netns: grant.netns,
        link: attachment.interfaceName,
        address: `${address}/${prefixLength}`,
      }),
    ),
    { verb: 'link.cut', ...hostEnd(grant, attachment) },
  ];
}

export function containerEndSteps({ netns }: ContainerGrant, attachment: Attachment, lease: Lease): Step[] {
  const link = attachment.interfaceName;
  const speaksIpv6 = firstOfFamily(lease.addresses, 6) !== null || lease.acceptRa > 0;
  return [
    {
      verb: 'link.set',
      netns,
      name: link,
      up: true,
      ipv4: containerSettings(lease).ipv4,
      ...addressGeneration(speaksIpv6 ? 'eui64' : 'none', lease.mtuBytes),
    },
    ...lease.addresses.map(
      ({ address, prefixLength }): Step => ({
        verb: 'address.add',
        netns,
        link,
        address: `${address}/${prefixLength}`,
      }),
    ),
  ];
}

/** Returns the steps that run after all that makes an address reachable: a neighbour that learns of it may answer at once. */
export function readyStepsOf(
  { wish, netns }: ContainerGrant,
  attachment: Attachment,
  { link, addresses, announced = [] }: Lease,
): Step[] {
  const { interfaceName } = attachment;
  const settle: Step[] =
    link.kind === 'bridge'
      ? [{ verb: 'link.settle', name: hostEndName(wish.id, attachment), bridge: link.bridge }]
      : [];
  const late = addresses.map(({ address }) => address).filter((address) => familyOf(address) === 6);
  const settleAddresses: Step[] = late.length > 0 ? [{ verb: 'address.settle', netns, addresses: late }] : [];
  const announce: Step[] =
    announced.length > 0 ? [{ verb: 'address.announce', netns, link: interfaceName, addresses: announced }] : [];
  return [...settle, ...settleAddresses, ...announce];
}
