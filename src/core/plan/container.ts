import { type Family, familyOf } from '../address.ts';
import type { Attachment, ContainerWish } from '../container.ts';
import { firstOfFamily, type Lease } from '../lease.ts';
import { derivedMac, hostVethName, netnsPath, vethAlias } from '../names.ts';
import { type Element, portElements } from '../nft.ts';
import type { PublishedPort } from '../port.ts';
import type { StatusBlock } from '../status.ts';
import type { Plan, Step } from './step.ts';

/** All that a container's plans are made from: the wish and what was granted for it. */
export interface ContainerGrant {
  wish: ContainerWish;
  /** where the namespace is, or will be */
  netns: string;
  leases: Readonly<Record<string, Lease>>;
  ports: readonly PublishedPort[];
}

/** How long the kernel may take to unregister a veth after its namespace was dropped, before it is deleted by hand. */
const linkGraceMs = 200;
/** netavark's metric of the default route; each further network is one less preferred. */
const firstRouteMetric = 100;

export function netnsOf(wish: ContainerWish, netnsDirectory: string, sharedPath: string | null): string {
  if (wish.netns.kind === 'path') return wish.netns.path;
  return sharedPath ?? netnsPath(netnsDirectory, wish.id);
}

/** Whether the pin is ours to make and to remove (B03: a namespace that netloom did not pin is never removed). */
export function ownsNetns(wish: ContainerWish): boolean {
  return wish.netns.kind === 'create' || wish.netns.kind === 'adopt';
}

export function setupPlan(grant: ContainerGrant): Plan {
  const elements = publishedElements(grant);
  return {
    name: 'setup',
    kind: 'build',
    steps: [
      ...netnsSteps(grant),
      ...joined(grant).flatMap(({ attachment, lease }) => hostEndSteps(grant, attachment, lease)),
      ...joined(grant).flatMap(({ attachment, lease }, index) => containerEndSteps(grant, attachment, lease, index)),
      ...(elements.length > 0 ? [{ verb: 'nft.add', elements } as const] : []),
    ],
  };
}

/** The set-up again, for a network that is there: what matches is left alone, what is missing is put back. */
export function verifyPlan(grant: ContainerGrant, inode: number): Plan {
  const { steps } = setupPlan(grant);
  const require: Step = { verb: 'netns.require', path: grant.netns, inode };
  return { name: 'verify', kind: 'build', steps: [require, ...steps.filter(({ verb }) => !verb.startsWith('netns.'))] };
}

/**
 * Goes by what was wished, so that it also cleans up what is half made. Dropping a namespace that we made takes its links
 * along, without the wait that deleting each would cost; from somebody else's namespace they are deleted one by one.
 */
export function teardownPlan(grant: ContainerGrant): Plan {
  const elements = publishedElements(grant);
  const links: Step[] = joined(grant).map(({ attachment }) => ({
    verb: 'link.delete',
    netns: null,
    name: hostVethName(grant.wish.id, attachment.network),
  }));
  return {
    name: 'teardown',
    kind: 'dismantle',
    steps: [
      { verb: 'process.unwatch', owner: `container/${grant.wish.id}` },
      ...(elements.length > 0 ? [{ verb: 'nft.delete', elements } as const] : []),
      ...(grant.wish.netns.kind === 'create' ? [] : links),
      ...(ownsNetns(grant.wish) ? [{ verb: 'netns.remove', path: grant.netns } as const] : []),
    ],
  };
}

/** The links that must have gone before addresses may be given to others. */
export function unlinkPlan(grant: ContainerGrant): Plan {
  const steps = joined(grant).map(
    ({ attachment }): Step => ({
      verb: 'link.gone',
      name: hostVethName(grant.wish.id, attachment.network),
      graceMs: grant.wish.netns.kind === 'create' ? linkGraceMs : 0,
    }),
  );
  return { name: 'unlink', kind: 'dismantle', steps };
}

export function watchPlan(wish: ContainerWish, pid: number, startTicks: number | null): Plan {
  const owner = `container/${wish.id}`;
  return { name: 'watch', kind: 'build', steps: [{ verb: 'process.watch', owner, pid, startTicks }] };
}

/** C01: one status block per network. */
export function statusBlocks(grant: ContainerGrant): Record<string, StatusBlock> {
  return Object.fromEntries(
    joined(grant).map(({ attachment, lease }) => [
      attachment.network,
      {
        interfaces: {
          [attachment.interfaceName]: {
            mac_address: macOf(grant.wish, attachment),
            subnets: lease.addresses.map(({ address, prefixLength, gateway }) => ({
              ipnet: `${address}/${prefixLength}`,
              ...(lease.internal ? {} : { gateway }),
            })),
          },
        },
        dns_server_ips: [],
        dns_search_domains: [],
      },
    ]),
  );
}

function joined(grant: ContainerGrant): { attachment: Attachment; lease: Lease }[] {
  return grant.wish.attachments.flatMap((attachment) => {
    const lease = grant.leases[attachment.network];
    return lease ? [{ attachment, lease }] : [];
  });
}

function macOf(wish: ContainerWish, attachment: Attachment): string {
  return attachment.staticMac ?? derivedMac(`${wish.id}/${attachment.network}`);
}

function netnsSteps({ wish, netns }: ContainerGrant): Step[] {
  const loopback: Step = { verb: 'link.set', netns, name: 'lo', up: true };
  switch (wish.netns.kind) {
    case 'create':
      return [{ verb: 'netns.create', path: netns }, loopback];
    case 'adopt':
      return [{ verb: 'netns.adopt', path: netns, pid: wish.netns.pid }, loopback];
    case 'path':
    case 'container':
      return [{ verb: 'netns.require', path: netns, inode: null }];
  }
}

function hostEndSteps({ wish, netns }: ContainerGrant, attachment: Attachment, lease: Lease): Step[] {
  const name = hostVethName(wish.id, attachment.network);
  const peer = { netns, name: attachment.interfaceName, macAddress: macOf(wish, attachment) };
  return [
    { verb: 'link.veth', name, mtuBytes: lease.mtuBytes, peer },
    {
      verb: 'link.set',
      netns: null,
      name,
      master: lease.bridge,
      up: true,
      hairpin: true,
      alias: vethAlias(wish.id, attachment.network),
      // a bridge port needs no address of its own: saves addrconf and the flood of its multicast to every port
      ipv6AddressGeneration: 'none',
    },
  ];
}

function containerEndSteps({ netns }: ContainerGrant, attachment: Attachment, lease: Lease, index: number): Step[] {
  const link = attachment.interfaceName;
  const hasIpv6 = firstOfFamily(lease.addresses, 6) !== null;
  return [
    { verb: 'link.set', netns, name: link, up: true, ipv6AddressGeneration: hasIpv6 ? 'eui64' : 'none' },
    ...lease.addresses.map(
      ({ address, prefixLength }): Step => ({
        verb: 'address.add',
        netns,
        link,
        address: `${address}/${prefixLength}`,
      }),
    ),
    ...(lease.internal ? [] : defaultRoutes(netns, link, lease, firstRouteMetric + index)),
  ];
}

/** One default route per family, by the gateway of the first subnet of it. */
function defaultRoutes(netns: string, link: string, lease: Lease, metric: number): Step[] {
  return ([4, 6] as const).flatMap((family): Step[] => {
    const via = firstOfFamily(lease.addresses, family);
    if (!via) return [];
    return [
      {
        verb: 'route.add',
        netns,
        destination: family === 4 ? '0.0.0.0/0' : '::/0',
        gateway: via.gateway,
        link,
        metric,
      },
    ];
  });
}

/** Ports lead to the first network that has an address of the family, in attach order. */
function publishedElements(grant: ContainerGrant): Element[] {
  const targets: Partial<Record<Family, string>> = {};
  for (const { lease } of joined(grant))
    for (const { address } of lease.addresses) targets[familyOf(address)] ??= address;
  return grant.ports.flatMap((port) => portElements(port, targets, `container/${grant.wish.id}`));
}
