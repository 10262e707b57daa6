import { type ActorAddress, dhcpAddress } from '../../src/core/actor-address.ts';
import type { DhcpQuestion } from '../../src/core/dhcp/requests.ts';
import type { DhcpTerms } from '../../src/core/dhcp/terms.ts';
import type { DhcpPlace } from '../../src/core/steps/dhcp.ts';
import type { Announce } from '../effect.ts';
import { present } from '../present.ts';

/** The context of a DHCP client's machine, and functions of it. */

/** A container and one of its networks. */
export interface DhcpInput {
  container: string;
  network: string;
}

export interface DhcpContext extends DhcpInput {
  /** attempt of the container's claim */
  attempt: number;
  place: DhcpPlace | null;
  /** a server's offer, until the server acknowledges or refuses it */
  offer: DhcpTerms | null;
  /** the server that made the last offer, and then did not answer */
  avoid: string | null;
  /** the container's lease; after its end, the last one */
  terms: DhcpTerms | null;
}

/** Returns the address of the client's actor. */
export const ownerOf = ({ container, network }: DhcpInput): ActorAddress => dhcpAddress(container, network);

/** Returns the request for the offered address, to the server that offered it. */
export function requestOf({ offer }: DhcpContext): DhcpQuestion {
  const { address, server } = present(offer, 'the offer');
  return { kind: 'request', address, server };
}

/** Returns the terms of the lease: there are some while there is a lease. */
export const termsOf = ({ terms }: DhcpContext): DhcpTerms => present(terms, 'the lease');

/** Returns the address of the present or last lease, with its prefix length. */
export const addressesOf = ({ terms }: DhcpContext): string[] =>
  terms ? [`${terms.address}/${terms.prefixLength}`] : [];

type LeaseData = Extract<Announce, { fact: 'leased' }>['data'];

/** Returns the lease's data for the container's events. */
export function leaseData({ network }: DhcpInput, terms: DhcpTerms): LeaseData {
  const { address, prefixLength, gateway, server, nameServers, searchDomains, routes, times, ignored } = terms;
  return {
    network,
    addresses: [`${address}/${prefixLength}`],
    gateway,
    server,
    nameServers,
    searchDomains,
    routes: routes.map((route) => ({ ...route, metric: null, type: 'unicast' })),
    expiresAt: times && new Date(times.expiresAt).toISOString(),
    ...(ignored.length > 0 && { ignored }),
  };
}
