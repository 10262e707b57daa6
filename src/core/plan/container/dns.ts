import type { Attachment } from '../../container/attachments.ts';
import type { ContainerWish } from '../../container/wish.ts';
import { dnsName, podmanDomain } from '../../dns-name.ts';
import type { Step } from '../../steps/step.ts';
import { type ContainerGrant, type Joined, joined } from './grant.ts';

/** The resolver's answers for a container. */

export const nameStepsOf = (grant: ContainerGrant): Step[] => joined(grant).flatMap((one) => nameSteps(grant, one));

/** Returns the last steps, so that a subscriber to `configured` can query the container's name. */
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
      // podman gives its containers its own search domain, whatever netloom's is
      ...(attachment.definition && { domain: podmanDomain }),
    },
  ];
}

const namesOf = ({ networkName }: ContainerWish, { aliases }: Attachment): string[] => [
  ...new Set([networkName, ...aliases]),
];

/** N15: returns names that are left out, by network, because no DNS question can carry them. */
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
