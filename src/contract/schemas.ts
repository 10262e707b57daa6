import { z } from 'zod';
import { type Fault, type FaultCode, faultStatus, type LeftBehind } from '../core/fault.ts';
import { ipamDrivers, type NetworkDefinition } from '../core/network/definition.ts';
import { networkDrivers } from '../core/network/options.ts';
import { routeTypeSchema } from '../core/network/request.ts';
import type { ExplainedSetting, SettingDrift } from '../core/plan/interface-settings.ts';
import type { PublishedPort, ShownPort } from '../core/port.ts';
import type { InterfaceStatus, StatusBlock } from '../core/status.ts';
import type { WayOut } from '../core/uplink.ts';
import type { AsOf, DroppedFrames } from '../core/view.ts';

/**
 * Schemas that several replies and facts share: the same field has the same schema everywhere. `id` is the name of a schema in
 * docs/asyncapi.json. These schemas describe what netloom sends; the compiler checks them against core's types, and nothing
 * checks them at run time.
 */

/** The fields of a type, each with its schema. */
export type Shape<T> = { [K in keyof T]-?: z.ZodType<T[K]> };

export const familySchema = z
  .union([z.literal(4), z.literal(6)])
  .meta({ id: 'Family', description: '4: IPv4, 6: IPv6' });

export const leftBehindSchema: z.ZodType<LeftBehind> = z
  .object({ step: z.string(), errno: z.string().nullable(), detail: z.string().nullable() })
  .meta({ id: 'LeftBehind' });

export const faultSchema: z.ZodType<Fault> = z
  .object({
    code: z
      .enum(Object.keys(faultStatus) as [FaultCode, ...FaultCode[]])
      .meta({ id: 'FaultCode', description: 'API; docs/errors.md lists them' }),
    message: z.string().describe('for people; may improve'),
    step: z.string().optional().describe('the step of the plan that failed'),
    errno: z.string().optional().describe('symbolic: EEXIST'),
    detail: z.string().optional().describe("the kernel's own words, or what was found instead"),
    port: z
      .object({ protocol: z.enum(['tcp', 'udp', 'sctp']), port: z.int() })
      .meta({ id: 'TakenPort' })
      .optional()
      .describe('the host port that another program has'),
    undone: z.array(z.string()).optional().describe('steps that were undone, newest first'),
    leftBehind: z.array(leftBehindSchema).optional().describe('steps that could not be undone'),
  })
  .meta({ id: 'Fault', description: 'why it was refused or failed' });

const interfaceStatusSchema: z.ZodType<InterfaceStatus> = z
  .object({
    mac_address: z.string(),
    subnets: z.array(
      z.object({ ipnet: z.string(), gateway: z.string().optional() }).meta({ id: 'InterfaceStatusSubnet' }),
    ),
  })
  .meta({ id: 'InterfaceStatus' });

const statusBlockSchema: z.ZodType<StatusBlock> = z
  .object({
    interfaces: z.record(z.string(), interfaceStatusSchema),
    dns_server_ips: z.array(z.string()),
    dns_search_domains: z.array(z.string()),
  })
  .meta({ id: 'StatusBlock', description: "what a container got on one network: podman's StatusBlock" });

export const statusSchema = z.record(z.string(), statusBlockSchema).describe("per network, podman's StatusBlock");

/** Fields of every port that netloom shows. */
export const publishedPort = {
  protocol: z.enum(['tcp', 'udp', 'sctp']).meta({ id: 'Protocol' }),
  hostIp: z.string().nullable().describe('null: every address of both families'),
  hostPort: z.int(),
  containerPort: z.int(),
  range: z.int(),
  heldByCaller: z.literal(true).optional().describe('bound by the caller'),
} satisfies Shape<PublishedPort>;

const portSchema: z.ZodType<ShownPort> = z
  .object({
    ...publishedPort,
    families: z
      .array(familySchema)
      .optional()
      .describe(
        'over which it leads to the container; empty: it leads nowhere; absent: not known while the network is down',
      ),
  } satisfies Shape<ShownPort>)
  .meta({ id: 'Port' });

export const portsSchema = z.array(portSchema);

/** A network namespace. */
export interface Netns {
  path: string;
  /** null: unknown */
  inode: number | null;
}

export const netnsSchema: z.ZodType<Netns> = z
  .object({ path: z.string(), inode: z.int().nullable().describe('null: not known') })
  .meta({ id: 'Netns', description: 'a network namespace' });

export const labelsSchema = z.record(z.string(), z.string());

export const ownerSchema = z.string().nullable().describe('the engine that set it up; null if unknown');

export const containerIdField = z.string().describe('id of the container');

const subnetSchema = z
  .object({
    subnet: z.string(),
    gateway: z.string().nullable(),
    lease_range: z
      .object({ start_ip: z.string().nullable(), end_ip: z.string().nullable() })
      .meta({ id: 'LeaseRange' })
      .optional(),
  })
  .meta({ id: 'Subnet' });

export const routeSchema = z
  .object({
    destination: z.string(),
    gateway: z.string().nullable(),
    metric: z.int().nullable(),
    type: routeTypeSchema,
  })
  .meta({ id: 'Route' });

/** Fields of a network's definition, under podman's names. */
export const definitionFields = {
  name: z.string(),
  id: z.string(),
  driver: z.enum(networkDrivers).meta({ id: 'NetworkDriver' }),
  network_interface: z
    .string()
    .nullable()
    .describe('bridge or parent; null: the parent is the link of the default route'),
  created: z.string(),
  subnets: z.array(subnetSchema),
  routes: z.array(routeSchema),
  ipv6_enabled: z.boolean(),
  internal: z.boolean(),
  dns_enabled: z.boolean(),
  network_dns_servers: z.array(z.string()),
  dns_port: z.int().optional(),
  firewall: z.literal('none').optional().describe('the engine disabled firewall rules for this network'),
  labels: labelsSchema,
  options: z.record(z.string(), z.string()),
  ipam_options: z.object({ driver: z.enum(ipamDrivers).meta({ id: 'IpamDriver' }) }).meta({ id: 'IpamOptions' }),
} satisfies Shape<NetworkDefinition>;

export const definitionSchema: z.ZodType<NetworkDefinition> = z
  .object(definitionFields)
  .meta({ id: 'NetworkDefinition' });

export const settingsSchema: z.ZodType<ExplainedSetting[]> = z
  .array(
    z
      .object({
        interface: z.string(),
        key: z.string().describe('`net.ipv6.conf.eth0.accept_ra`'),
        value: z.string(),
        why: z.string(),
      })
      .meta({ id: 'Setting' }),
  )
  .describe("the kernel's settings of interfaces");

export const driftedSettingsSchema: z.ZodType<SettingDrift[]> = z
  .array(
    z
      .object({ key: z.string().describe('`net.ipv6.conf.eth0.accept_ra`'), found: z.string(), wanted: z.string() })
      .meta({ id: 'DriftedSetting' }),
  )
  .describe("the kernel's settings that were found changed");

/** What was missing or changed. */
export const stepsSchema = z.array(z.string()).describe('what was missing or changed, as steps that restore it');

/** Fields of facts about drift that was restored. */
export const driftFields = {
  steps: stepsSchema.optional(),
  drifted: driftedSettingsSchema.optional(),
  tookMs: z.number().describe('duration of the kernel steps, in milliseconds').optional(),
};

/** Fields of facts about drift that was restored or not. */
export const driftFoundFields = {
  ...driftFields,
  fault: faultSchema.optional().describe('why it could not be restored'),
};

export const wayOut = {
  hostIp: z.string().nullable().describe('source address of the route to the outside; null without one'),
  link: z.string().nullable(),
  mtuBytes: z.int().nullable(),
} satisfies Shape<WayOut>;

const count = () => z.int();

export const trafficSchema = z.object({ packets: count(), bytes: count() }).meta({ id: 'Traffic' });

export const droppedFrames = (by: string): z.ZodType<DroppedFrames> =>
  z
    .record(z.string(), trafficSchema)
    .describe(`frames that carried neither the MAC nor an address of the lease, and were not taken: by ${by}`);

/** Position in the event stream that the reply to a query includes. */
export const asOf = {
  sequence: z.int().describe('number of the last fact that this answer includes'),
  streamSequence: z
    .int()
    .nullable()
    .describe('its place in NETLOOM_EVENTS: follow from this + 1 and nothing is missed; null while not known'),
} satisfies Shape<AsOf>;
