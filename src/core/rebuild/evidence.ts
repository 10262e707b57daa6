import type { Element } from '../firewall/nft.ts';
import type { OwnerMark } from '../object-names.ts';
import type { Protocol } from '../port.ts';

/** What a daemon finds in the kernel when its journal is missing or damaged. */
export interface Evidence {
  namespaces: FoundNamespace[];
  /** of the host */
  links: FoundHostLink[];
  elements: Element[];
  /** published ports that a process has bound */
  boundPorts: BoundPort[];
}

/** A network namespace that is pinned somewhere on this host. */
export interface FoundNamespace {
  path: string;
  inode: number;
  /** by the name of a pin of netloom's; null: another program pinned it */
  owner: OwnerMark | null;
  /** it is pinned in this daemon's directory; a pin of netloom's elsewhere is another daemon's */
  isOurs: boolean;
  /** in the order of their indices, without loopback */
  interfaces: FoundInterface[];
}

export interface FoundInterface {
  name: string;
  kind: string | null;
  macAddress: string | null;
  /** `10.89.0.2/24`, of global scope */
  addresses: string[];
  /** index of the veth's other end, or of the parent, in the host's namespace; null: neither is there */
  hostIndex: number | null;
}

export interface FoundHostLink {
  index: number;
  name: string;
  kind: string | null;
  alias: string | null;
  masterIndex: number | null;
  macAddress: string | null;
  mtuBytes: number;
  /** `10.89.0.1/24`, of global scope */
  addresses: string[];
}

export interface BoundPort {
  protocol: Protocol;
  /** null: every address of the host */
  hostIp: string | null;
  hostPort: number;
}
