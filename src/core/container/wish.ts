import type { Fault } from '../fault.ts';
import { fault } from '../fault.ts';
import { defaultNetworkName } from '../name-rules.ts';
import type { PublishedPort } from '../port.ts';
import { publishedPorts } from '../port.ts';
import { containerReferenceSchema } from '../token.ts';
import { type Attachment, attachmentsOf, canonicalAddresses, networksOf } from './attachments.ts';
import type { ContainerRequest } from './request.ts';

/** Where the container's namespace comes from. */
export type NetnsSource =
  | { kind: 'create' }
  | { kind: 'adopt'; pid: number }
  | { kind: 'path'; path: string }
  | { kind: 'host' }
  | { kind: 'container'; id: string };

export interface ContainerWish {
  id: string;
  name: string;
  /** A06: the container's name on its networks: its pod's name if it has one, else its own */
  networkName: string;
  /** sent to DHCP servers; absent: the name */
  hostName?: string;
  mode: string;
  netns: NetnsSource;
  attachments: Attachment[];
  ports: PublishedPort[];
  dnsServers: string[];
  removeOnExit: boolean;
  /** absent: no labels */
  labels?: Record<string, string>;
  /** the engine that requested it; absent: unknown */
  owner?: string;
  /** time after set-up within which its process must start; absent: no limit */
  startWithinMs?: number;
}

/** Fills in defaults and checks all that needs no other actor; `ofDaemon`: the daemon's default network. */
export function containerWish(request: ContainerRequest, ofDaemon = defaultNetworkName): ContainerWish | Fault {
  const mode = request.mode ?? 'bridge';
  const netns = netnsSource(mode, request);
  if ('code' in netns) return netns;
  const defaultNetwork = request.defaultNetwork ?? ofDaemon;
  const attachments = attachmentsOf(request.id, networksOf(request, defaultNetwork));
  if ('code' in attachments) return attachments;
  if (attachments.length === 0 && (request.staticIps?.length || request.staticMac))
    return fault('mode.conflict', 'a static address needs a network');
  const dnsServers = canonicalAddresses(request.dnsServers ?? []);
  if ('code' in dnsServers) return dnsServers;
  const ports = publishedPorts(request.ports ?? []);
  if ('code' in ports) return ports;
  const conflict = modeConflict(mode, netns, attachments, ports);
  if (conflict) return conflict;
  return {
    id: request.id,
    name: request.name ?? request.id,
    networkName: request.pod ?? request.name ?? request.id,
    ...(request.hostname && { hostName: request.hostname }),
    mode,
    netns,
    attachments,
    ports,
    dnsServers,
    removeOnExit: request.removeOnExit ?? false,
    ...(request.labels && Object.keys(request.labels).length > 0 && { labels: request.labels }),
    ...(request.owner && { owner: request.owner }),
    ...(request.startWithinMs && { startWithinMs: request.startWithinMs }),
  };
}

/**
 * Paths that name the daemon's namespace by themselves, which need no look at process 1, even where that is forbidden. Any other
 * path that leads to it is recognized by its inode before use.
 */
const ownNetns = /^\/+proc\/+(1|self|thread-self)\/+(task\/+\d+\/+)?ns\/+net$/;

/** A01: parses podman's modes; a mode that this version does not support yet is refused by name. */
function netnsSource(mode: string, request: ContainerRequest): NetnsSource | Fault {
  const [kind = '', ...rest] = mode.split(':');
  const argument = rest.join(':');
  if (request.pid && (kind === 'ns' || kind === 'container' || kind === 'host'))
    return fault('mode.conflict', `mode ${mode} names a namespace: pid cannot name another`);
  if (request.pid === 1 || (kind === 'ns' && ownNetns.test(argument)))
    return fault(
      'mode.conflict',
      `${request.pid ? 'process 1 is in' : `${argument} is`} the host's own network namespace: use mode host`,
    );
  switch (kind) {
    case 'bridge':
    case 'none':
      if (argument) return fault('mode.unknown', `mode ${mode}: ${kind} takes no argument`);
      return request.pid ? { kind: 'adopt', pid: request.pid } : { kind: 'create' };
    case 'ns':
      if (!argument.startsWith('/') || argument.includes('\0'))
        return fault('mode.unknown', 'mode ns: expected ns:<absolute path>');
      return { kind: 'path', path: argument };
    case 'container':
      return sharedNetns(request.id, argument);
    case 'host':
      return argument ? fault('mode.unknown', `mode ${mode}: host takes no argument`) : { kind: 'host' };
    case 'slirp4netns':
    case 'pasta':
      return fault('mode.unsupported', `network mode ${kind} is not supported by this version`);
    default:
      return fault(
        'mode.unknown',
        `unknown network mode ${mode}: expected bridge, none, host, ns:<path> or container:<container>`,
      );
  }
}

function sharedNetns(id: string, target: string): NetnsSource | Fault {
  if (!containerReferenceSchema.safeParse(target).success)
    return fault('id.invalid', `mode container:${target}: expected a container`);
  if (target === id) return fault('netns.cycle', `container ${id} cannot share its own namespace`);
  return { kind: 'container', id: target };
}

function modeConflict(
  mode: string,
  netns: NetnsSource,
  attachments: Attachment[],
  ports: PublishedPort[],
): Fault | null {
  const takesNone = netns.kind === 'container' || netns.kind === 'host' || mode === 'none';
  if (takesNone && attachments.length > 0) return fault('mode.conflict', `mode ${mode} takes no networks`);
  if (ports.length > 0 && attachments.length === 0)
    return fault('mode.conflict', 'ports can be published only by a container that joins a network');
  return null;
}
