import type { HeldByContainer } from '../core/dhcp/holder.ts';
import { SystemError } from '../core/fault.ts';
import type { NetworkDefinition } from '../core/network/definition.ts';
import type { ContainerNames, ServedNetwork } from '../core/steps/dns.ts';

/** Parts of a network that are not in the kernel, but made and unmade with it. */
export interface KernelServices {
  /** each call resolves when it has taken effect; rejects with a SystemFault */
  names: {
    /** returns the port of each address on which it listens */
    serve(
      network: Omit<ServedNetwork, 'network' | 'redirect'> & { name: string; ports?: number[] },
    ): Promise<Readonly<Record<string, number>>>;
    retire(network: string): Promise<unknown>;
    add(entry: ContainerNames): Promise<unknown>;
    remove(network: string, container: string): Promise<unknown>;
  };
  /** resolves when firewalld has accepted it, or within a second without firewalld; never rejects */
  firewalld: {
    /** returns whether a subnet was not trusted before */
    trust(subnets: string[]): Promise<boolean>;
    distrust(subnets: string[]): Promise<unknown>;
  };
  definitions: {
    write(definition: NetworkDefinition, previous: NetworkDefinition | null): void;
    remove(name: string): void;
  };
  /** addresses of containers, for DHCP clients; absent: nothing is known */
  heldAddresses?(): HeldByContainer[];
  /** of bridges, for programs that read this host's settings again */
  settings: {
    /** returns whether it was missing or different */
    write(link: string, text: string): boolean;
    remove(link: string): void;
  };
}

const noResolver = () => Promise.reject(new SystemError('serve names', 'ENOSYS', 'there is no resolver'));

/** Name service of a kernel that makes no network with DNS. */
export const noNames: KernelServices['names'] = {
  serve: noResolver,
  retire: async () => {},
  add: noResolver,
  remove: async () => {},
};

/** firewalld service of a host without firewalld. */
export const noFirewalld: KernelServices['firewalld'] = { trust: async () => false, distrust: async () => {} };
