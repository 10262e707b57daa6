import { z } from 'zod';
import type { BasicNetworkSettings, NetworkSettings } from '../core/network/podman-inspect.ts';
import type { ExplainedSetting } from '../core/plan/interface-settings.ts';
import type { Plan } from '../core/plan/plan.ts';
import type { ShownPort } from '../core/port.ts';
import type { StatusBlock } from '../core/status.ts';
import {
  type AsOf,
  type ContainerStatistics,
  type ContainerView,
  containerStates,
  type DroppedFrames,
} from '../core/view.ts';
import {
  asOf,
  droppedFrames,
  faultSchema,
  labelsSchema,
  type Netns,
  netnsSchema,
  ownerSchema,
  portsSchema,
  publishedPort,
  type Shape,
  settingsSchema,
  statusSchema,
  trafficSchema,
} from './schemas.ts';

/** Replies about containers. */

export interface ContainerStatus {
  id: string;
  netns: Netns;
  /** podman's StatusBlock per network */
  status: Record<string, StatusBlock>;
  ports: ShownPort[];
  /** duration of the kernel steps, port holding included, in milliseconds */
  kernelMs: number;
}

export const containerStatusSchema: z.ZodType<ContainerStatus> = z
  .object({
    id: z.string(),
    netns: netnsSchema,
    status: statusSchema,
    ports: portsSchema,
    kernelMs: z.number().describe('duration of the kernel steps, port holding included, in milliseconds'),
  })
  .meta({ id: 'ContainerStatus' });

/** Reply to a change: the status after it; no namespace while the network is down. */
export type ContainerChanged = Omit<ContainerStatus, 'netns'> & { netns: ContainerStatus['netns'] | null };

export const containerChangedSchema: z.ZodType<ContainerChanged> = z
  .object({
    id: z.string(),
    netns: netnsSchema.nullable().describe('null while the network is down'),
    status: statusSchema,
    ports: portsSchema,
    kernelMs: z.number().describe('duration of the kernel steps, in milliseconds'),
  })
  .meta({ id: 'ContainerChanged' });

const containerStateSchema = z.enum(containerStates).meta({ id: 'ContainerState' });

const containerViewSchema: z.ZodType<ContainerView> = z
  .object({
    id: z.string(),
    name: z.string(),
    mode: z.string(),
    state: containerStateSchema,
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
    status: statusSchema.describe("per network, podman's StatusBlock; empty while the network is down"),
    ports: portsSchema,
    removeOnExit: z.boolean(),
    labels: labelsSchema,
    owner: ownerSchema,
    exitCode: z.int().nullable().describe('of the process that has ended, where its engine reported it'),
    startBy: z.string().nullable().describe('when it is removed unless its process has started; null: no deadline'),
    created: z.string().optional().describe('when it was created, ISO 8601; absent: by an older version'),
    lastFault: faultSchema.nullable(),
  } satisfies Shape<ContainerView>)
  .meta({ id: 'ContainerView' });

const addressWithPrefixes = z
  .array(z.object({ Addr: z.string(), PrefixLength: z.int() }).meta({ id: 'AddressWithPrefix' }))
  .optional();
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
  .meta({
    id: 'NetworkSettings',
    description: "as podman's inspect shows it; the addresses are those of the first network",
  });

/** Reply of inspect. settings: kernel settings of each interface that netloom made inside. */
export type ContainerInspection = {
  container: ContainerView;
  NetworkSettings: NetworkSettings;
  settings: ExplainedSetting[];
} & AsOf;

export const containerInspectionSchema: z.ZodType<ContainerInspection & { dropped: DroppedFrames }> = z
  .object({
    container: containerViewSchema,
    NetworkSettings: networkSettingsSchema,
    settings: settingsSchema,
    dropped: droppedFrames('network'),
    ...asOf,
  })
  .meta({ id: 'ContainerInspection' });
export const containerListSchema: z.ZodType<{ containers: ContainerView[] } & AsOf> = z
  .object({
    containers: z.array(containerViewSchema),
    ...asOf,
  })
  .meta({ id: 'ContainerList' });
export const containerNamedSchema: z.ZodType<{ id: string }> = z
  .object({ id: z.string() })
  .meta({ id: 'ContainerNamed' });
export const tornDownSchema: z.ZodType<{ id: string; nothingToDo: boolean; kernelMs: number }> = z
  .object({
    id: z.string(),
    nothingToDo: z.boolean().describe('it was down already'),
    kernelMs: z.number().describe('duration of the kernel steps, in milliseconds'),
  })
  .meta({ id: 'TornDown' });

export const statisticsSchema: z.ZodType<ContainerStatistics> = z
  .object({
    id: z.string(),
    interfaces: z.record(
      z.string(),
      z.object({
        rxBytes: z.int(),
        txBytes: z.int(),
        rxPackets: z.int(),
        txPackets: z.int(),
        rxErrors: z.int(),
        txErrors: z.int(),
        rxDropped: z.int(),
        txDropped: z.int(),
      }),
    ),
    ports: z
      .array(z.object({ ...publishedPort, toContainer: trafficSchema, fromContainer: trafficSchema }))
      .describe('traffic through each published port since then, from all clients'),
  })
  .meta({ id: 'ContainerStatistics' });

export interface PlanPreview {
  id: string;
  /** its networks that are not up: the link and the steps that make each, before the container's own steps */
  networks: { name: string; link: string | null; steps: string[] }[];
  /** one line per step, in order */
  steps: string[];
  /** the steps as data */
  plan: Plan;
  /** what teardown would do, one line per step, in order */
  teardown: string[];
  /** settings of the interfaces inside, with the reason for each */
  settings: ExplainedSetting[];
}

/** Its steps are internal to the kernel layer and may change. */
const planDataSchema = z.custom<Plan>().meta({ id: 'Plan', description: 'the same as data' });

export const planSchema: z.ZodType<PlanPreview> = z
  .object({
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
    plan: planDataSchema,
    teardown: z.array(z.string()).describe('what teardown would do, in order'),
    settings: settingsSchema,
  })
  .meta({ id: 'PlanPreview' });
