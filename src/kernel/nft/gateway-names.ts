import * as native from '#native';
import { networkAddress } from '../../core/actor-address.ts';
import { familyOf } from '../../core/address.ts';
import { SystemError } from '../../core/fault.ts';
import { resolverElements } from '../../core/firewall/network-elements.ts';
import type { Element, NftSet } from '../../core/firewall/nft.ts';
import { ownerMark } from '../../core/names.ts';
import type { ServedNetwork } from '../../core/steps/dns.ts';
import type { HeldPorts } from '../../core/steps/port.ts';
import type { KernelServices } from '../services.ts';
import type { Firewall } from './firewall.ts';

const namePort = 53;
/**
 * Where the resolver listens as a rule. No program is known to have it; only root may take it, so that no process of the
 * host's puts itself into the resolver's place.
 */
const usualPort = 353;
const sets: readonly NftSet[] = ['resolver4', 'resolver6'];

/** Names are asked for at port 53 of the gateways, which others may hold: the resolver has a port of its own, and the firewall leads there. */
export class GatewayNames {
  constructor(
    private readonly firewall: Firewall,
    private readonly nft: native.NftSocket,
    private readonly names: KernelServices['names'],
  ) {}

  /** True: port 53 of a gateway led nowhere, or elsewhere. A plan that an older version left says nothing of `redirect`. */
  async serve({ network, redirect = { port: null }, ...served }: ServedNetwork): Promise<boolean> {
    const owner = ownerMark(networkAddress(network));
    if (redirect === null) {
      await this.names.serve({ name: network, ...served });
      return false;
    }
    const former = this.firewall.elements(sets, owner).map(portOf);
    // what it has had, so that flows that are under way go on
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

  /** Port 53 of a gateway is the resolver's: another program that bound it would receive nothing. */
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

  /** Without connections there is no first packet: what was under way would go on to where it led before. */
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
