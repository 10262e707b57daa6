import { readFileSync } from 'node:fs';
import * as native from '#native';
import { ownerOfPin } from '../core/object-names.ts';
import type { BoundPort, Evidence, FoundHostLink, FoundInterface, FoundNamespace } from '../core/rebuild/evidence.ts';
import { publishedBy } from '../core/rebuild/published.ts';
import { elementsOf } from './inventory.ts';
import { attempts } from './system-fault.ts';

/** Reads everything that shows which containers live in the kernel. Throws SystemError. */
export function evidence(route: native.RouteSocket, nft: native.NftSocket, netnsDirectory: string): Evidence {
  const elements = elementsOf(nft);
  return {
    namespaces: pinnedNamespaces().flatMap((path) => namespaceAt(path, route, netnsDirectory) ?? []),
    links: hostLinks(route),
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
  const isPin = ({ path }: { path: string }) => ownerOfPin(path.slice(path.lastIndexOf('/') + 1)) !== null;
  const ordered = [...mounts.filter(isPin), ...mounts.filter((mount) => !isPin(mount))];
  return [...new Map(ordered.toReversed().map(({ root, path }) => [root, path])).values()];
}

/** The kernel writes blanks in paths as `\040`. */
const unescaped = (path: string): string =>
  path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** null: it is gone, or it is the host's own */
function namespaceAt(path: string, route: native.RouteSocket, netnsDirectory: string): FoundNamespace | null {
  const identity = native.netnsIdentity(path);
  if (!identity || identity.inode === native.currentNetnsIdentity().inode) return null;
  const cut = path.lastIndexOf('/');
  const owner = path.slice(0, cut) === netnsDirectory ? ownerOfPin(path.slice(cut + 1)) : null;
  const socket = native.openRouteSocket(path);
  try {
    return { path, inode: identity.inode, owner, interfaces: interfacesIn(socket, path, route) };
  } finally {
    socket.close();
  }
}

function interfacesIn(inside: native.RouteSocket, path: string, route: native.RouteSocket): FoundInterface[] {
  const addresses = native.listAddresses(inside);
  // a link of the host is at the other end only if that end is in the host's namespace
  const here = native.listLinks(route);
  const number = native.netnsIdOf(route, path);
  const isOtherEnd = (index: number, name: number | null) =>
    name !== null &&
    here.some((link) => link.index === name && link.peerNetnsId === number && link.peerIndex === index);
  return native
    .listLinks(inside)
    .filter(({ loopback }) => !loopback)
    .map(({ index, name, kind, macAddress, peerIndex, parentIndex, peerNetnsId }) => {
      const isVethHere = kind === 'veth' && isOtherEnd(index, peerIndex);
      const isUponHere = kind !== 'veth' && parentIndex !== null && peerNetnsId !== null;
      return {
        name,
        kind,
        macAddress,
        addresses: globalAddresses(addresses, index),
        hostIndex: isVethHere ? peerIndex : isUponHere ? parentIndex : null,
      };
    });
}

function hostLinks(route: native.RouteSocket): FoundHostLink[] {
  const addresses = native.listAddresses(route);
  return native.listLinks(route).map(({ index, name, kind, alias, masterIndex, macAddress, mtuBytes }) => ({
    ...{ index, name, kind, alias, masterIndex, macAddress, mtuBytes },
    addresses: globalAddresses(addresses, index),
  }));
}

const globalAddresses = (addresses: readonly native.AddressInfo[], index: number): string[] =>
  addresses.filter(({ linkIndex, scope }) => linkIndex === index && scope === 'global').map(({ address }) => address);

/** Tries to bind every published port: while no daemon holds any, one that is bound is its engine's. */
function boundPorts(elements: Evidence['elements']): BoundPort[] {
  const owners = new Set(elements.flatMap(({ owner }) => (owner === null ? [] : [owner])));
  const ports = [...owners].flatMap((owner) => publishedBy(owner as Parameters<typeof publishedBy>[0], elements, []));
  return ports.filter(({ protocol, hostIp, hostPort }) => {
    const places = hostIp === null ? ['0.0.0.0', '::'] : [hostIp];
    return places.some((address) => !attempts(() => native.holdPort(protocol, address, hostPort).close()));
  });
}
