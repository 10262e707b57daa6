import { z } from 'zod';
import { type Fault, type FaultCode, faultStatus } from '../core/fault.ts';
import type { FirewallDrop, ForeignFirewalls } from '../core/firewall/obstacles.ts';
import { ways } from '../core/firewall/traffic.ts';
import { type Collected, type Leftover, leftoverKinds, type Unstarted } from '../core/gc.ts';
import type { DamagedDefinition } from '../core/network/check.ts';
import { ipamDrivers, type NetworkDefinition } from '../core/network/definition.ts';
import type { BasicNetworkSettings, NetworkSettings } from '../core/network/settings.ts';
import type { ExplainedSetting } from '../core/plan/interface-settings.ts';
import type { PublishedPort, ShownPort } from '../core/port.ts';
import type { StatusBlock } from '../core/status.ts';
import {
  type AsOf,
  type ContainerStatistics,
  type ContainerView,
  containerStates,
  type DroppedFrames,
  type NetworkView,
  type NodeInfo,
  networkStates,
} from '../core/view.ts';
import type { ContainerInspection, NetworkInspection, PlanPreview } from './inspections.ts';

/**
 * What goes out, as schemas: for the service's metadata and the docs. They are held to core's types by the compiler,
 * and are not run over answers, which are our own.
 */

const asOf = {
  sequence: z.int().describe('number of the last fact that this answer includes'),
  streamSequence: z
    .int()
    .nullable()
    .describe('its place in NETLOOM_EVENTS: follow from this + 1 and nothing is missed; null while not known'),
} satisfies Shape<AsOf>;

type Shape<T> = { [K in keyof T]-?: z.ZodType<T[K]> };

export const faultSchema: z.ZodType<Fault> = z
  .object({
    code: z.enum(Object.keys(faultStatus) as [FaultCode, ...FaultCode[]]).describe('API; docs/errors.md lists them'),
    message: z.string().describe('for people; may improve'),
    step: z.string().optional().describe('the step of the plan that failed'),
    errno: z.string().optional().describe('symbolic: EEXIST'),
    detail: z.string().optional().describe("the kernel's own words, or what was found instead"),
    undone: z.array(z.string()).optional().describe('steps that were undone, newest first'),
    leftBehind: z
      .array(z.object({ step: z.string(), errno: z.string().nullable(), detail: z.string().nullable() }))
      .optional()
      .describe('steps that could not be undone'),
  })
  .describe('why it was refused or failed');

const statusSchema: z.ZodType<StatusBlock> = z.object({
  interfaces: z.record(
    z.string(),
    z.object({
      mac_address: z.string(),
      subnets: z.array(z.object({ ipnet: z.string(), gateway: z.string().optional() })),
    }),
  ),
  dns_server_ips: z.array(z.string()),
  dns_search_domains: z.array(z.string()),
});

const publishedPort = {
  protocol: z.enum(['tcp', 'udp', 'sctp']),
  hostIp: z.string().nullable().describe('null: every address of both families'),
  hostPort: z.int(),
  containerPort: z.int(),
  range: z.int(),
  heldByCaller: z.literal(true).optional().describe('bound by the caller'),
} satisfies Shape<PublishedPort>;
const shownPortSchema: z.ZodType<ShownPort> = z.object({
  ...publishedPort,
  families: z
    .array(z.union([z.literal(4), z.literal(6)]))
    .optional()
    .describe('over which it leads to the container; empty: it leads nowhere; absent: the network is down'),
} satisfies Shape<ShownPort>);

const netnsSchema = z.object({ path: z.string(), inode: z.int().nullable() });

export interface ContainerStatus {
  id: string;
  netns: { path: string; inode: number | null };
  /** per network, podman's StatusBlock */
  status: Record<string, StatusBlock>;
  ports: ShownPort[];
  /** what the kernel steps took, port holding included, in milliseconds */
  kernelMs: number;
}

export const containerStatusSchema: z.ZodType<ContainerStatus> = z.object({
  id: z.string(),
  netns: netnsSchema,
  status: z.record(z.string(), statusSchema).describe("per network, podman's StatusBlock"),
  ports: z.array(shownPortSchema),
  kernelMs: z.number().describe('duration of the kernel steps, port holding included, in milliseconds'),
});

/** What a change answers: the status after it; no namespace while the network is down. */
export type ContainerChanged = Omit<ContainerStatus, 'netns'> & { netns: ContainerStatus['netns'] | null };

export const containerChangedSchema: z.ZodType<ContainerChanged> = z.object({
  id: z.string(),
  netns: netnsSchema.nullable().describe('null while the network is down'),
  status: z.record(z.string(), statusSchema).describe("per network, podman's StatusBlock"),
  ports: z.array(shownPortSchema),
  kernelMs: z.number().describe('duration of the kernel steps, in milliseconds'),
});

const containerViewSchema: z.ZodType<ContainerView> = z.object({
  id: z.string(),
  name: z.string(),
  mode: z.string(),
  state: z.enum(containerStates),
  netns: netnsSchema.nullable(),
  pid: z.int().nullable(),
  attachments: z.array(
    z.object({
      network: z.string(),
      slot: z.int().describe('order of preference of its routes'),
      interfaceName: z.string(),
      hostInterfaceName: z.string().optional().describe("of the veth's other end, where a name was asked for"),
      staticIps: z.array(z.string()),
      staticMac: z.string().nullable(),
      aliases: z.array(z.string()),
    }),
  ),
  status: z.record(z.string(), statusSchema).describe('per network, empty while the network is down'),
  ports: z.array(shownPortSchema),
  removeOnExit: z.boolean(),
  labels: z.record(z.string(), z.string()),
  owner: z.string().nullable().describe('the engine that set it up; null if unknown'),
  exitCode: z.int().nullable().describe('of the process that has ended, where its engine reported it'),
  startBy: z.string().nullable().describe('when it is removed unless its process has started; null: no deadline'),
  created: z.string().optional().describe('when it was created, ISO 8601; absent: by an older version'),
  lastFault: faultSchema.nullable(),
} satisfies Shape<ContainerView>);

const definition = {
  name: z.string(),
  id: z.string(),
  driver: z.enum(['bridge', 'macvlan', 'ipvlan']),
  network_interface: z
    .string()
    .nullable()
    .describe('bridge or parent; null: the parent is the link of the default route'),
  created: z.string(),
  subnets: z.array(
    z.object({
      subnet: z.string(),
      gateway: z.string().nullable(),
      lease_range: z.object({ start_ip: z.string().nullable(), end_ip: z.string().nullable() }).optional(),
    }),
  ),
  routes: z.array(
    z.object({
      destination: z.string(),
      gateway: z.string().nullable(),
      metric: z.int().nullable(),
      type: z.enum(['unicast', 'blackhole', 'unreachable', 'prohibit']),
    }),
  ),
  ipv6_enabled: z.boolean(),
  internal: z.boolean(),
  dns_enabled: z.boolean(),
  network_dns_servers: z.array(z.string()),
  dns_port: z.int().optional(),
  firewall: z.literal('none').optional().describe('the engine disabled firewall rules for this network'),
  labels: z.record(z.string(), z.string()),
  options: z.record(z.string(), z.string()),
  ipam_options: z.object({ driver: z.enum(ipamDrivers) }),
} satisfies Shape<NetworkDefinition>;

const networkViewSchema: z.ZodType<NetworkView> = z.object({
  ...definition,
  state: z.enum(networkStates),
  device: z
    .object({
      name: z.string(),
      mtuBytes: z.int().nullable(),
      names: z
        .object({ servers: z.array(z.string()), refused: z.string().nullable() })
        .nullable()
        .describe('on an unmanaged bridge: where names are answered, or why not'),
    })
    .nullable()
    .describe('what its next container is attached to, with which MTU: bridge or parent; null while it is not up'),
  leases: z.record(z.string(), z.array(z.string())).describe('container id → addresses'),
  lastFault: faultSchema.nullable().describe('why it is degraded'),
} satisfies Shape<NetworkView>);

export const nodeInfoSchema: z.ZodType<NodeInfo> = z.object({
  node: z.string(),
  version: z.string(),
  state: z.enum(['recovering', 'serving', 'draining']),
  bootId: z.string(),
  kernel: z.string(),
  nodeVersion: z.string(),
  startedAt: z.string(),
  pid: z.int(),
  workers: z.int(),
  hostIp: z.string().nullable().describe('source address of the route to the outside; null without one'),
  forwarding: z
    .array(
      z.object({
        family: z.literal([4, 6]),
        since: z.enum(['before', 'netloom', 'switching']).describe('it was on before, or netloom switched it on'),
        foreign: z.enum(['apart', 'forwarded']).describe("whether links that are not netloom's reach each other"),
      }),
    )
    .describe('of each family that this host forwards for networks'),
  containers: z.int(),
  networks: z.int(),
  outbox: z.int().describe('events that wait to be published'),
  directories: z.object({
    run: z.string(),
    state: z.string(),
    netns: z.string(),
    networks: z.string(),
    sysctl: z.string().describe('settings of bridges, for systemd-sysctl'),
  }),
  storage: z
    .object({
      runFreeBytes: z.int().describe('on the file system of the run directory'),
      reservedBytes: z.int().describe("of the journal's own file, for what is taken down on a disk that is full"),
      stateFreeBytes: z.int().describe('on the file system of the state directory'),
      refused: z
        .enum(['run', 'events'])
        .nullable()
        .describe('why set-ups are refused now: the run directory is full, or too many events wait'),
    })
    .describe('free space where the daemon writes'),
} satisfies Shape<NodeInfo>);

const firewallDropSchema: z.ZodType<FirewallDrop> = z.object({
  table: z.string().describe('family and name: `ip filter`'),
  tool: z.enum(['nftables', 'iptables', 'iptables-legacy']).describe('whose rules they are'),
  chain: z.string().describe('the one that is hooked into the kernel'),
  hook: z.string(),
  priority: z.int(),
  rule: z
    .object({ chain: z.string(), handle: z.int().nullable() })
    .nullable()
    .describe("which rule drops; null: the chain's policy"),
  certain: z.boolean().describe('false: a rule before it may let some of it pass'),
  stops: z.array(z.object({ network: z.string(), family: z.union([z.literal(4), z.literal(6)]), way: z.enum(ways) })),
  remedy: z.array(z.string()).describe('commands that let it pass'),
} satisfies Shape<FirewallDrop>);

export const foreignFirewallsSchema: z.ZodType<ForeignFirewalls> = z.object({
  drops: z.array(firewallDropSchema),
  unread: z.array(z.string()).describe('rules that could not be read, and why'),
} satisfies Shape<ForeignFirewalls>);

export const networkProposedSchema: z.ZodType<{ definition: Record<string, unknown> }> = z.object({
  definition: z.record(z.string(), z.unknown()).describe("complete, in podman's format"),
});

export const networkCreatedSchema: z.ZodType<{ definition: NetworkDefinition }> = z.object({
  definition: z.object(definition),
});
const count = () => z.int();
const trafficSchema = z.object({ packets: count(), bytes: count() });
const dropped = (by: string) =>
  z
    .record(z.string(), trafficSchema)
    .describe(`frames that carried neither the MAC nor an address of the lease, and were not taken: by ${by}`);

const settingsSchema: z.ZodType<ExplainedSetting[]> = z
  .array(
    z.object({
      interface: z.string(),
      key: z.string().describe('`net.ipv6.conf.eth0.accept_ra`'),
      value: z.string(),
      why: z.string(),
    }),
  )
  .describe("the kernel's settings of interfaces");

export const networkInspectionSchema: z.ZodType<NetworkInspection & { dropped: DroppedFrames }> = z.object({
  network: networkViewSchema,
  settings: settingsSchema,
  dropped: dropped('container'),
  ...asOf,
});
export const networkListSchema: z.ZodType<{ networks: NetworkView[]; damaged: DamagedDefinition[] } & AsOf> = z.object({
  damaged: z
    .array(z.object({ file: z.string(), reason: z.string() }))
    .describe('files in the networks directory that are ignored, and why'),
  networks: z.array(networkViewSchema),
  ...asOf,
});
export const networkNamedSchema: z.ZodType<{ name: string }> = z.object({ name: z.string() });

export const networksPrunedSchema: z.ZodType<{ removed: string[] }> = z.object({
  removed: z.array(z.string()).describe('names'),
});

const addressWithPrefixes = z.array(z.object({ Addr: z.string(), PrefixLength: z.int() })).optional();
const basicSettings = {
  EndpointID: z.string(),
  Gateway: z.string(),
  IPAddress: z.string(),
  IPPrefixLen: z.int(),
  SecondaryIPAddresses: addressWithPrefixes,
  IPv6Gateway: z.string(),
  GlobalIPv6Address: z.string(),
  GlobalIPv6PrefixLen: z.int(),
  SecondaryIPv6Addresses: addressWithPrefixes,
  MacAddress: z.string(),
  AdditionalMacAddresses: z.array(z.string()).optional(),
} satisfies Shape<BasicNetworkSettings>;

const networkSettingsSchema: z.ZodType<NetworkSettings> = z
  .object({
    ...basicSettings,
    Bridge: z.string(),
    SandboxID: z.string(),
    HairpinMode: z.boolean(),
    LinkLocalIPv6Address: z.string(),
    LinkLocalIPv6PrefixLen: z.int(),
    Ports: z.record(z.string(), z.array(z.object({ HostIp: z.string(), HostPort: z.string() }))),
    SandboxKey: z.string().describe('path of the namespace; empty while the network is down'),
    Networks: z.record(
      z.string(),
      z.object({
        ...basicSettings,
        NetworkID: z.string(),
        DriverOpts: z.record(z.string(), z.string()).nullable(),
        IPAMConfig: z.record(z.string(), z.string()).nullable(),
        Links: z.array(z.string()).nullable(),
        Aliases: z.array(z.string()),
      }),
    ),
  } satisfies Shape<NetworkSettings>)
  .describe("as podman's inspect shows it; the addresses are those of the first network");

export const containerInspectionSchema: z.ZodType<ContainerInspection & { dropped: DroppedFrames }> = z.object({
  container: containerViewSchema,
  NetworkSettings: networkSettingsSchema,
  settings: settingsSchema,
  dropped: dropped('network'),
  ...asOf,
});
export const containerListSchema: z.ZodType<{ containers: ContainerView[] } & AsOf> = z.object({
  containers: z.array(containerViewSchema),
  ...asOf,
});
export const containerNamedSchema: z.ZodType<{ id: string }> = z.object({ id: z.string() });
export const tornDownSchema: z.ZodType<{ id: string; nothingToDo: boolean; kernelMs: number }> = z.object({
  id: z.string(),
  nothingToDo: z.boolean().describe('it was down already'),
  kernelMs: z.number().describe('duration of the kernel steps, in milliseconds'),
});

export const statisticsSchema: z.ZodType<ContainerStatistics> = z.object({
  id: z.string(),
  interfaces: z.record(
    z.string(),
    z.object({
      rxBytes: count(),
      txBytes: count(),
      rxPackets: count(),
      txPackets: count(),
      rxErrors: count(),
      txErrors: count(),
      rxDropped: count(),
      txDropped: count(),
    }),
  ),
  ports: z
    .array(z.object({ ...publishedPort, toContainer: trafficSchema, fromContainer: trafficSchema }))
    .describe('traffic through each published port since then, from all clients'),
});

export const planSchema: z.ZodType<PlanPreview> = z.object({
  id: z.string(),
  networks: z
    .array(
      z.object({
        name: z.string(),
        link: z.string().nullable().describe('its interface on this host; null: found when it is made'),
        steps: z.array(z.string()),
      }),
    )
    .describe('its networks that are not up: what each is made of, before the steps'),
  steps: z.array(z.string()).describe('one line per step, in order'),
  plan: z.unknown().describe('the same as data'),
  teardown: z.array(z.string()).describe('what teardown would do, in order'),
  settings: settingsSchema,
});

const leftoverSchema: z.ZodType<Leftover> = z.object({
  kind: z.enum(leftoverKinds),
  name: z.string(),
  owner: z.string().nullable().describe('its former owner, as its name or comment has it; null if unknown'),
});
const unstartedSchema: z.ZodType<Unstarted> = z.object({
  id: z.string(),
  name: z.string(),
  owner: z.string().nullable().describe('the engine that set it up'),
});
export const collectedSchema: z.ZodType<Collected> = z.object({
  dryRun: z.boolean(),
  unstarted: z
    .array(unstartedSchema)
    .describe('containers that were set up and never started, with no process in their namespaces, and were removed'),
  leftovers: z.array(leftoverSchema).describe('what had no owner'),
  doubtful: z
    .array(leftoverSchema)
    .describe('without an owner here, but it may be of a daemon with another run directory: never removed'),
  failed: z
    .array(z.object({ step: z.string(), errno: z.string().nullable(), detail: z.string().nullable() }))
    .describe('what could not be removed, and why'),
} satisfies Shape<Collected>);

export const workerRestartedSchema: z.ZodType<{ index: number }> = z.object({ index: z.int() });
