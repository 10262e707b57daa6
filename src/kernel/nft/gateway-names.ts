import * as native from '#native';
import { networkAddress } from '../../core/actor-address.ts';
import { familyOf } from '../../core/address.ts';
import { SystemError } from '../../core/fault.ts';
import { resolverElements } from '../../core/firewall/network-elements.ts';
import type { Element, NftSet } from '../../core/firewall/nft.ts';
import { ownerMark } from '../../core/object-names.ts';
import type { ServedNetwork } from '../../core/steps/dns.ts';
import type { HeldPorts } from '../../core/steps/port.ts';
import type { KernelServices } from '../services.ts';
import type { Firewall } from './firewall.ts';

const namePort = 53;
/**
 * The resolver's usual port. No known program uses it; only root may bind it, so that no other process of the host can take the
 * resolver's place.
 */
const usualPort = 353;
const sets: readonly NftSet[] = ['resolver4', 'resolver6'];

/** Redirection of port 53 of the gateways: other programs may hold port 53, so the resolver has another port, to which the firewall redirects. */
export class GatewayNames {
  constructor(
    private readonly firewall: Firewall,
    private readonly nft: native.NftSocket,
    private readonly names: KernelServices['names'],
  ) {}

  /** Serves names; returns whether port 53 of a gateway was not redirected, or elsewhere. A plan of an older version lacks `redirect`. */
  async serve({ network, redirect = { port: null }, ...served }: ServedNetwork): Promise<boolean> {
    const owner = ownerMark(networkAddress(network));
    if (redirect === null) {
      await this.names.serve({ name: network, ...served });
      return false;
    }
    const former = this.firewall.elements(sets, owner).map(portOf);
    // the former ports, so that open flows go on
    const ports = [...new Set([...(redirect.port === null ? former : [redirect.port, ...former]), usualPort, 0])];
    const open = await this.names.serve({ name: network, ...served, ports });
    const changed = this.firewall.settle(sets, owner, resolverElements(network, open));
    if (changed) this.#forgetFlows(served.listen);
    return changed;
  }

  async retire(network: string): Promise<void> {
    this.firewall.settle(sets, ownerMark(networkAddress(network)), []);
    await this.names.retire(network);
  }

  /** Refuses port 53 of a gateway: it is redirected to the resolver, and a program that bound it would receive nothing. */
  refuseGateway({ protocol, addresses, port, range }: HeldPorts): void {
    if (protocol === 'sctp' || port > namePort || port + range <= namePort || port === 0) return;
    const taken = this.firewall.elements(sets).find(({ key: [gateway = ''] }) => addresses.includes(gateway));
    if (taken)
      throw new SystemError(
        'hold port',
        'EADDRINUSE',
        `port ${namePort} of ${taken.key[0]} is where the resolver of ${taken.owner} is asked`,
      );
  }

  /** Deletes open UDP flows, which would otherwise go on to their former target: without connections there is no first packet. */
  #forgetFlows(gateways: readonly string[]): void {
    const flows = gateways.map((destination) => ({
      protocol: 'udp' as const,
      family: familyOf(destination),
      destination,
      firstPort: namePort,
      lastPort: namePort,
    }));
    native.deleteConntrack(this.nft, flows);
  }
}

const portOf = ({ value }: Element): number => Number(value?.[1]);
