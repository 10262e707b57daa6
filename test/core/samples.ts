import type { ContainerRequest } from '../../src/core/container/request.ts';
import { type ContainerWish, containerWish } from '../../src/core/container/wish.ts';
import type { DhcpTerms } from '../../src/core/dhcp/terms.ts';
import type { Fault } from '../../src/core/fault.ts';
import type { Lease } from '../../src/core/lease/lease.ts';
import type { NetworkDefinition } from '../../src/core/network/definition.ts';
import type { NetworkRequest } from '../../src/core/network/request.ts';
import { type NetworkWish, networkDefinition, networkWish } from '../../src/core/network/wish.ts';
import type { ContainerView } from '../../src/core/view.ts';

/** The nouns of the tests, made in the way that users make them. */

function accepted<T extends object>(made: T | Fault): T {
  if ('code' in made && 'message' in made) throw new Error(made.message);
  return made as T;
}

export function wishOf(request: Partial<ContainerRequest> = {}): ContainerWish {
  return accepted(containerWish({ id: 'web', ...request }));
}

/** Returns the view of a created container on no network. */
export function containerViewOf(view: Partial<ContainerView> = {}): ContainerView {
  return {
    id: 'web',
    name: view.id ?? 'web',
    mode: 'bridge',
    state: 'created',
    netns: null,
    pid: null,
    attachments: [],
    status: {},
    ports: [],
    removeOnExit: false,
    labels: {},
    owner: null,
    exitCode: null,
    startBy: null,
    lastFault: null,
    ...view,
  };
}

export function networkWishOf(request: Partial<NetworkRequest> = {}): NetworkWish {
  return accepted(networkWish({ name: 'demo', subnets: [{ subnet: '10.89.0.0/24' }], ...request }));
}

export function definitionOf(request: Partial<NetworkRequest> = {}, bridge = 'netloom0'): NetworkDefinition {
  const wish = networkWishOf(request);
  return networkDefinition(wish, { bridge, subnets: wish.subnets, created: '2026-01-01T00:00:00Z' });
}

export function leaseOf(lease: Partial<Lease> = {}): Lease {
  const v4 = { address: '10.89.0.2', prefixLength: 24, gateway: '10.89.0.1' };
  return {
    network: 'demo',
    networkId: 'f00d',
    link: { kind: 'bridge', bridge: 'netloom0', vlanId: null, published: true, spoofing: 'guarded' },
    internal: false,
    mtuBytes: null,
    addresses: [v4],
    routes: [],
    defaultRoute: true,
    metric: null,
    acceptRa: 0,
    dns: null,
    ...lease,
  };
}

/** A permanent lease of a DHCP server. */
export function termsOf(terms: Partial<DhcpTerms> = {}): DhcpTerms {
  return {
    address: '192.0.2.7',
    prefixLength: 24,
    gateway: '192.0.2.1',
    routes: [],
    nameServers: ['192.0.2.53'],
    searchDomains: ['lan.example'],
    server: '192.0.2.1',
    serverMac: '02:00:00:00:00:01',
    times: null,
    ignored: [],
    ...terms,
  };
}

export const v6 = { address: 'fd00::2', prefixLength: 64, gateway: 'fd00::1' };
