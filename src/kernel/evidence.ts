import { readFileSync, realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import * as native from '#native';
import { ownerNamed, ownerOfPin } from '../core/object-names.ts';
import type { BoundPort, Evidence, FoundHostLink, FoundInterface, FoundNamespace } from '../core/rebuild/evidence.ts';
import { publishedBy } from '../core/rebuild/published.ts';
import { elementsOf } from './inventory.ts';
import { attempt } from './system-fault.ts';

/** Reads everything that shows which containers live in the kernel. Throws SystemError. */
export function evidence(route: native.RouteSocket, nft: native.NftSocket, netnsDirectory: string): Evidence {
  const elements = elementsOf(nft);
  const links = native.listLinks(route);
  // mounts are listed without symbolic links in their paths
  const mountedAt = realpathSync(netnsDirectory);
  return {
    namespaces: pinnedNamespaces().flatMap((path) => namespaceAt(path, route, links, mountedAt) ?? []),
    links: hostLinks(links, native.listAddresses(route)),
    elements,
    boundPorts: boundPorts(elements),
  };
}

/** Lists the mounts of namespaces, by /proc/self/mountinfo; each inode once, netloom's own pins first. */
function pinnedNamespaces(): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const mounts = lines.flatMap((line) => {
    const [, , , root = '', path = ''] = line.split(' ');
    return root.startsWith('net:[') ? [{ root, path: unescaped(path) }] : [];
  });
  const isPin = ({ path }: { path: string }) => ownerOfPin(basename(path)) !== null;
  const ordered = [...mounts.filter(isPin), ...mounts.filter((mount) => !isPin(mount))];
  return [...new Map(ordered.toReversed().map(({ root, path }) => [root, path])).values()];
}

/** The kernel writes blanks in paths as `\040`. */
const unescaped = (path: string): string =>
  path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** null: it is the host's own, or its owner has removed it meanwhile */
function namespaceAt(...of: Parameters<typeof readNamespace>): FoundNamespace | null {
  const [namespace] = attempt(() => readNamespace(...of), 'netns.read');
  return namespace;
}

function readNamespace(
  path: string,
  route: native.RouteSocket,
  links: readonly native.LinkInfo[],
  netnsDirectory: string,
): FoundNamespace | null {
  const identity = native.netnsIdentity(path);
  if (!identity || identity.inode === native.currentNetnsIdentity().inode) return null;
  const inside = native.openRouteSocket(path);
  try {
    const owner = ownerOfPin(basename(path));
    const number = native.netnsIdOf(route, path);
    const here = new Map(links.filter((link) => link.peerNetnsId === number).map((link) => [link.index, link]));
    const isOurs = dirname(path) === netnsDirectory;
    return {
      path,
      inode: identity.inode,
      owner,
      isOurs,
      interfaces: interfacesIn(inside, number === null ? new Map() : here),
    };
  } finally {
    inside.close();
  }
}

/** `here`: links of the host that lead into the namespace, by index. */
function interfacesIn(inside: native.RouteSocket, here: ReadonlyMap<number, native.LinkInfo>): FoundInterface[] {
  const addresses = native.listAddresses(inside);
  return native
    .listLinks(inside)
    .filter(({ loopback }) => !loopback)
    .map(({ index, name, kind, macAddress, peerIndex, parentIndex, peerNetnsId }) => {
      const isVethHere = kind === 'veth' && peerIndex !== null && here.get(peerIndex)?.peerIndex === index;
      const isUponHere = kind !== 'veth' && peerNetnsId !== null;
      const hostIndex = isVethHere ? peerIndex : isUponHere ? parentIndex : null;
      return { name, kind, macAddress, addresses: globalAddresses(addresses, index), hostIndex };
    });
}

function hostLinks(links: readonly native.LinkInfo[], addresses: readonly native.AddressInfo[]): FoundHostLink[] {
  return links.map(({ index, name, kind, alias, masterIndex, macAddress, mtuBytes }) => ({
    ...{ index, name, kind, alias, masterIndex, macAddress, mtuBytes },
    addresses: globalAddresses(addresses, index),
  }));
}

const globalAddresses = (addresses: readonly native.AddressInfo[], index: number): string[] =>
  addresses.filter(({ linkIndex, scope }) => linkIndex === index && scope === 'global').map(({ address }) => address);

/** Tries to bind every published port: while no daemon holds any, one that is bound is its engine's. */
function boundPorts(elements: Evidence['elements']): BoundPort[] {
  const owners = new Set(elements.flatMap(({ owner }) => (owner === null ? [] : (ownerNamed(owner) ?? []))));
  const ports = [...owners].flatMap((owner) => publishedBy(owner, elements, []));
  return ports.filter(({ protocol, hostIp, hostPort }) =>
    (hostIp === null ? ['0.0.0.0', '::'] : [hostIp]).some((address) => isBound(protocol, address, hostPort)),
  );
}

/** A family or an address that the host does not have is bound by none. */
function isBound(protocol: BoundPort['protocol'], address: string, port: number): boolean {
  const [, refusal] = attempt(() => native.holdPort(protocol, address, port).close(), 'port.hold');
  return refusal?.errno === 'EADDRINUSE';
}
