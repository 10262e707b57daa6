import { z } from 'zod';
import { type ActorAddress, containerAddress, networkAddress } from '../../../core/actor-address.ts';
import { type Content, mapContexts, namesOf } from './content.ts';

const lease = z.looseObject({ link: z.looseObject({ kind: z.string() }) });
const containerContext = z.looseObject({ leases: z.record(z.string(), lease), ports: z.array(z.unknown()) });

const port = z.looseObject({ hostIp: z.string().nullable() });
const publishing = z.looseObject({ ports: z.array(port), leases: z.record(z.string(), z.unknown()) });

const networkContext = z.looseObject({
  wish: z.looseObject({}).nullable(),
  device: z.looseObject({ made: z.boolean() }).nullable(),
});

const hostContext = z.looseObject({ networks: z.record(z.string(), z.looseObject({})) });
const sharing = z.looseObject({ wish: z.looseObject({ sharesLink: z.boolean() }).nullable() });

/**
 * From version 9 to 10: leases have a guard against spoofing and `accept_ra`, a network's device has the host's own addresses, and
 * the host owns forwarding. The next verification of each network and container finds the rest.
 */
export function from9(content: Content): Content {
  const publishers = publishersOf(content);
  const containers = mapContexts(content, 'container', (context) => {
    const { leases, ...rest } = containerContext.parse(context);
    return {
      ...rest,
      leases: Object.fromEntries(Object.entries(leases).map(([name, each]) => [name, leaseFrom9(each)])),
    };
  });
  const networks = mapContexts(containers, 'network', (context, address) => {
    const { wish, device, ...rest } = networkContext.parse(context);
    const onLoopback = publishers.get(address) ?? [];
    return {
      ...rest,
      wish: wish && { ...wish, ipv6Enabled: false },
      device: device && { ...device, addresses: [], routesLoopback: device.made, names: null },
      onLoopback,
      macs: {},
    };
  });
  return mapContexts(networks, 'host', (context) => {
    const { networks: places, ...rest } = hostContext.parse(context);
    return {
      ...rest,
      networks: Object.fromEntries(
        Object.entries(places).map(([name, place]) => [name, { ...place, sharesLink: sharesLink(content, name) }]),
      ),
      claims: {},
      forwarding: {},
      forwardForeign: false,
    };
  });
}

function leaseFrom9({ link, ...rest }: z.infer<typeof lease>) {
  return { ...rest, link: link.kind === 'bridge' ? { ...link, spoofing: 'guarded' } : link, acceptRa: 0 };
}

/** Returns, by the address of each network, its members that publish a port which 127.0.0.1 reaches. */
function publishersOf(content: Content): Map<ActorAddress, string[]> {
  const found = new Map<ActorAddress, string[]>();
  for (const name of namesOf(content, 'container')) {
    const { ports, leases } = publishing.parse(content.actors.get(containerAddress(name))?.context);
    if (!ports.some(({ hostIp }) => hostIp === null || hostIp === '0.0.0.0' || hostIp.startsWith('127.'))) continue;
    for (const network of Object.keys(leases).map(networkAddress))
      found.set(network, [...(found.get(network) ?? []), name]);
  }
  return found;
}

const sharesLink = ({ actors }: Content, network: string): boolean =>
  sharing.parse(actors.get(networkAddress(network))?.context ?? { wish: null }).wish?.sharesLink ?? false;
