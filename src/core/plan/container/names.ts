import type { Attachment } from '../../container/attachments.ts';
import type { ContainerWish } from '../../container/wish.ts';
import { dnsName, podmanDomain } from '../../dns-name.ts';
import type { Step } from '../../steps/step.ts';
import { type ContainerGrant, type Joined, joined } from './grant.ts';

/** What the resolver answers for a container. */

export const nameStepsOf = (grant: ContainerGrant): Step[] => joined(grant).flatMap((one) => nameSteps(grant, one));

/** Last, so that who is told that a container is configured can ask for it by name. */
export function nameSteps({ wish }: ContainerGrant, { attachment, lease }: Joined): Step[] {
  if (!lease.dns) return [];
  return [
    {
      verb: 'dns.add',
      network: attachment.network,
      container: wish.id,
      names: namesOf(wish, attachment).filter((name) => dnsName(name) !== null),
      addresses: lease.addresses.map(({ address }) => address),
      servers: wish.dnsServers,
      // podman tells its containers its own, whatever ours is
      ...(attachment.definition && { domain: podmanDomain }),
    },
  ];
}

const namesOf = ({ networkName }: ContainerWish, { aliases }: Attachment): string[] => [
  ...new Set([networkName, ...aliases]),
];

/** N15: names that are left out, by network, for no question of DNS can carry them. */
export function namesLeftOut(grant: ContainerGrant, network?: string): { network: string; names: string[] }[] {
  return joined(grant)
    .filter(({ attachment, lease }) => lease.dns && (network === undefined || attachment.network === network))
    .map(({ attachment }) => ({
      network: attachment.network,
      names: namesOf(grant.wish, attachment).filter((name) => dnsName(name) === null),
    }))
    .filter(({ names }) => names.length > 0);
}

export function forgetNameSteps({ wish }: ContainerGrant, { attachment, lease }: Joined): Step[] {
  return lease.dns ? [{ verb: 'dns.remove', network: attachment.network, container: wish.id }] : [];
}
