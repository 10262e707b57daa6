import { z } from 'zod';
import { containerStates } from '../core/view.ts';
import { fact } from './fact.ts';
import {
  driftFields,
  driftFoundFields,
  faultSchema,
  labelsSchema,
  netnsSchema,
  ownerSchema,
  portsSchema,
  routeSchema,
  statusSchema,
} from './schemas.ts';

const exampleNetns = { path: '/run/netns/netloom-web', inode: 4026532300 };

const examplePort = { protocol: 'tcp' as const, hostIp: null, hostPort: 8080, containerPort: 80, range: 1 };

const exampleStatus = {
  demo: {
    interfaces: {
      eth0: { mac_address: '9a:2b:0a:59:00:02', subnets: [{ ipnet: '10.89.0.2/24', gateway: '10.89.0.1' }] },
    },
    dns_server_ips: ['10.89.0.1'],
    dns_search_domains: ['dns.podman'],
  },
};

const exampleFault = {
  code: 'link.exists' as const,
  message: 'interface nl0123456789ab already exists but is a dummy interface',
  step: 'link.veth nl0123456789ab (eth0 in /run/netns/netloom-web)',
  errno: 'EEXIST',
  detail: 'interface nl0123456789ab already exists but is a dummy interface',
  undone: ['netns.create /run/netns/netloom-web'],
};

const pid = z.int().describe('its first process, as the host sees it');
const network = z.string().describe('name of the network');
const addresses = z.array(z.string()).describe('with their prefix lengths: `10.89.0.2/24`');
const reason = z.string().describe('the same as text');

const startWithinMs = z.int().nullable().describe('the time within which its process was to start');

const leased = z.object({
  network,
  addresses,
  gateway: z.string().nullable().describe('of the default route'),
  server: z.string().describe('what the DHCP server calls itself'),
  nameServers: z.array(z.string()),
  searchDomains: z.array(z.string()),
  routes: z.array(routeSchema).describe('further ones (DHCP option 121); gateway null: on the link itself'),
  expiresAt: z.string().nullable().describe('ISO 8601; null: never'),
  ignored: z.array(z.string()).optional().describe('invalid values that were left out, as text'),
});

const exampleLease = {
  network: 'lan',
  addresses: ['192.0.2.77/24'],
  gateway: '192.0.2.1',
  server: '192.0.2.1',
  nameServers: ['192.0.2.53'],
  searchDomains: [],
  routes: [],
  expiresAt: '2026-01-01T13:00:00.000Z',
};

const leaseFault = {
  code: 'dhcp.expired' as const,
  message: 'the DHCP lease of 192.0.2.77 on network lan expired without renewal',
};

/** States of a DHCP client, as facts about its lease name them. */
export const leaseStates = ['acquiring', 'unanswered', 'bound', 'renewing', 'rebinding', 'lost', 'ending'] as const;

export const containerStateSchema = z
  .enum([...containerStates, 'removed'])
  .meta({ id: 'ContainerFactState', description: 'of the container, after the fact' });

export const leaseStateSchema = z
  .enum(leaseStates)
  .meta({ id: 'LeaseState', description: 'of the DHCP client, after the fact' });

/** Facts about containers. */
export const containerFacts = {
  created: fact({
    when: 'its wish is stored',
    data: z.object({
      name: z.string(),
      mode: z.string(),
      networks: z.array(z.string()).describe('names of its networks'),
      labels: labelsSchema,
      owner: ownerSchema,
    }),
    state: 'created',
    example: { name: 'web', mode: 'bridge', networks: ['demo'], labels: {}, owner: 'podman' },
  }),
  'netns-ready': fact({
    when: 'the namespace exists and is configured',
    data: z.object({ netns: netnsSchema }),
    state: 'configured',
    example: { netns: exampleNetns },
  }),
  configured: fact({
    when: 'set-up is done',
    data: z.object({
      netns: netnsSchema,
      status: statusSchema,
      ports: portsSchema,
      kernelMs: z.number().describe('duration of the kernel steps, port holding included, in milliseconds'),
    }),
    state: 'configured',
    example: { netns: exampleNetns, status: exampleStatus, ports: [{ ...examplePort, families: [4] }], kernelMs: 2.1 },
  }),
  failed: fact({
    when: 'set-up or teardown failed; everything is undone except for what the fault lists',
    data: z.object({ fault: faultSchema }),
    state: 'failed',
    example: { fault: exampleFault },
  }),
  running: fact({
    when: 'its process was reported',
    data: z.object({ pid }),
    state: 'running',
    example: { pid: 4711 },
  }),
  exited: fact({
    when: 'that process ended',
    data: z.object({
      pid,
      exitCode: z.int().optional().describe('if its engine reports it (`reportsExit`): 128 + n if signal n ended it'),
    }),
    state: 'exited',
    example: { pid: 4711, exitCode: 0 },
  }),
  abandoned: fact({
    when: 'it is removed because its process never started; `torn-down` and `removed` follow',
    data: z.object({
      cause: z
        .enum(['deadline', 'collected'])
        .meta({ id: 'AbandonedCause' })
        .describe('`deadline`: its `startWithinMs` passed; `collected`: by `node.gc` with `unstarted`'),
      reason,
      startWithinMs,
      owner: ownerSchema,
    }),
    state: 'unconfiguring',
    example: {
      cause: 'deadline',
      reason: 'its process did not start within 60 s',
      startWithinMs: 60_000,
      owner: 'podman',
    },
  }),
  overdue: fact({
    when: 'its process was not reported in time, but the container stays: a process is in its namespace, or the daemon cannot see whether one is',
    data: z.object({
      cause: z
        .enum(['process', 'guest', 'unseen'])
        .meta({ id: 'OverdueCause' })
        .describe(
          '`process`: a process lives in its namespace; `guest`: a container that shares its namespace runs; `unseen`: the daemon cannot see whether a process lives there',
        ),
      guest: z.string().optional().describe('id of that container'),
      reason,
      startWithinMs,
      owner: ownerSchema,
      fault: faultSchema.optional().describe('why the daemon cannot see it'),
    }),
    state: 'configured',
    example: {
      cause: 'process',
      reason: 'a process lives in its namespace',
      startWithinMs: 60_000,
      owner: 'podman',
    },
  }),
  unwatched: fact({
    when: 'that process cannot be watched: its end will not be reported',
    data: z.object({ pid, fault: faultSchema }),
    state: 'running',
    example: {
      pid: 4711,
      fault: {
        code: 'kernel.refused',
        message: 'process.watch 4711: watch process: EMFILE',
        step: 'process.watch 4711',
        errno: 'EMFILE',
      },
    },
  }),
  adopted: fact({
    when: 'the daemon was restarted and found it complete',
    data: z.object({ netns: netnsSchema }),
    state: 'running',
    example: { netns: exampleNetns },
  }),
  connected: fact({
    when: 'it has joined another network',
    data: z.object({
      network,
      interfaceName: z.string(),
      aliases: z.array(z.string()).describe('additional names of the container on this network'),
      addresses,
    }),
    state: 'running',
    example: { network: 'back', interfaceName: 'eth1', aliases: [], addresses: ['10.89.1.2/24'] },
  }),
  disconnected: fact({
    when: 'it has left a network',
    data: z.object({ network }),
    state: 'running',
    example: { network: 'back' },
  }),
  published: fact({
    when: 'more host ports lead to it: new ones, or ones that had been left out, once a network brings their family or the container that had them is gone',
    data: z.object({ ports: portsSchema }),
    state: 'running',
    example: { ports: [examplePort] },
  }),
  'port-unreachable': fact({
    when: 'all or part of a port that it publishes is left out, at a set-up, publish, disconnect or reload',
    data: z.object({
      ports: portsSchema.describe('as requested'),
      cause: z
        .enum(['loopback', 'family', 'network', 'firewall', 'contradiction', 'taken'])
        .meta({ id: 'PortUnreachableCause' })
        .describe(
          '`family`: the container has no address of that family; `network`: no network of the container can publish ports; `loopback`: ::1 leads nowhere; `contradiction`: another mapping leads the port elsewhere; `taken`: another container has it; `firewall`: its network has no rules, because the engine of other containers on it wants none',
        ),
      reason,
    }),
    state: 'configured',
    example: {
      ports: [{ ...examplePort, hostIp: '::' }],
      cause: 'family',
      reason: 'container web has no IPv6 address on a bridge network',
    },
  }),
  'names-left-out': fact({
    when: 'names of it on a network were left out, because DNS cannot carry them: a label of more than 63 bytes, a name of more than 253, an empty label',
    data: z.object({ network, names: z.array(z.string()), reason: z.string().describe('why, as text') }),
    state: 'configured',
    example: {
      network: 'demo',
      names: ['a..b'],
      reason: 'DNS allows at most 63 bytes per label and 253 per name, and no empty label',
    },
  }),
  unpublished: fact({
    when: 'host ports no longer lead to it',
    data: z.object({ ports: portsSchema }),
    state: 'running',
    example: { ports: [examplePort] },
  }),
  'drift-detected': fact({
    when: 'a part of it was missing or changed in the kernel',
    data: z.object(driftFoundFields),
    state: 'running',
    example: { steps: ['route.add 0.0.0.0/0 via 10.89.0.1 in /run/netns/netloom-web'], tookMs: 0.4 },
  }),
  'drift-healed': fact({
    when: 'all of that is restored',
    data: z.object(driftFields),
    state: 'running',
    example: { steps: ['route.add 0.0.0.0/0 via 10.89.0.1 in /run/netns/netloom-web'], tookMs: 0.4 },
  }),
  degraded: fact({
    when: 'something is missing and could not be restored (a reload or the next notice tries again), or no DHCP server assigns an address',
    data: z.object({ fault: faultSchema }),
    state: 'degraded',
    example: {
      fault: {
        code: 'link.unknown',
        message: 'the interface nl0123456789ab or its bridge netloom0 is gone',
        step: 'link.set nl0123456789ab master netloom0 up',
        errno: 'ENODEV',
      },
    },
  }),
  lost: fact({
    when: 'the daemon was restarted and found it gone',
    data: z.object({
      cause: z
        .enum(['missing', 'reboot'])
        .meta({ id: 'LostCause' })
        .describe('`missing`: its namespace is gone; `reboot`: the host was restarted'),
      fault: faultSchema.optional().describe('what was missing'),
    }),
    state: 'created',
    example: { cause: 'reboot' },
  }),
  'tearing-down': fact({
    when: 'teardown begins',
    data: z.object({ netns: netnsSchema }),
    state: 'unconfiguring',
    example: { netns: exampleNetns },
  }),
  'torn-down': fact({ when: 'nothing is left in the kernel', data: z.object({}), state: 'created', example: {} }),
  removed: fact({ when: 'netloom has forgotten it', data: z.object({}), state: 'removed', example: {} }),
};

/** Facts about the leases that DHCP servers give to containers. */
export const leaseFacts = {
  leased: fact({
    when: 'a DHCP server assigned an address, or changed what it assigns',
    data: leased,
    state: 'bound',
    example: exampleLease,
  }),
  'lease-renewed': fact({
    when: 'the lease of that address was renewed',
    data: leased,
    state: 'bound',
    example: exampleLease,
  }),
  'lease-unrenewed': fact({
    when: 'the client could not ask servers; it tries again',
    data: z.object({ network, addresses, fault: faultSchema }),
    state: 'renewing',
    example: { network: 'lan', addresses: ['192.0.2.77/24'], fault: leaseFault },
  }),
  'lease-lost': fact({
    when: 'the lease ended, or a server revoked it: the address is removed, and servers are asked until one assigns an address',
    data: z.object({ network, addresses, fault: faultSchema }),
    state: 'lost',
    example: { network: 'lan', addresses: ['192.0.2.77/24'], fault: leaseFault },
  }),
};
