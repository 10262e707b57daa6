import { z } from 'zod';
import type { RouteType } from '../link-modes.ts';
import { interfaceNameSchema, newNetworkNameSchema } from '../token.ts';

/** The wish for a network, as callers send it. Field names are podman's, because definition files have the same ones. */

const subnetSchema = z
  .object({
    subnet: z.string().describe('CIDR, e.g. 10.89.0.0/24'),
    gateway: z.string().nullish().describe('default: the first address of the subnet'),
    lease_range: z
      .object({ start_ip: z.string().nullish(), end_ip: z.string().nullish() })
      .meta({ id: 'LeaseRangeRequest' })
      .nullish()
      .describe('automatic addresses come from here only'),
  })
  .meta({ id: 'SubnetRequest' });

const routeTypes = ['unicast', 'blackhole', 'unreachable', 'prohibit'] as const satisfies RouteType[];
export const routeTypeSchema = z.enum(routeTypes).meta({ id: 'RouteType' });

const routeSchema = z
  .object({
    destination: z.string().describe('CIDR'),
    gateway: z
      .string()
      .nullish()
      .describe(
        "address on one of the container's networks, usually this one; omit for blackhole, unreachable and prohibit",
      ),
    metric: z.int().min(0).max(4_294_967_295).nullish().describe('default: 100'),
    type: routeTypeSchema.nullish().describe('default: unicast'),
    route_type: routeTypeSchema.nullish().describe('the same, as netavark calls it'),
  })
  .meta({ id: 'RouteRequest' });

export const networkRequestSchema = z
  .object({
    name: newNetworkNameSchema,
    driver: z.string().nullish().describe('bridge (default), macvlan, ipvlan'),
    network_interface: interfaceNameSchema
      .nullish()
      .describe(
        "name of the bridge, default: the first free netloomN; or the parent, default: the default route's link",
      ),
    subnets: z.array(subnetSchema).nullish().describe("default: a free one from podman's pools"),
    routes: z.array(routeSchema).nullish().describe('additional routes of its containers'),
    ipv6_enabled: z.boolean().nullish().describe('add a free IPv6 subnet if none is given'),
    internal: z.boolean().nullish().describe('no external access, inbound or outbound'),
    dns_enabled: z
      .boolean()
      .nullish()
      .describe(
        'answer queries for container names, at port 53 of the gateways (on an unmanaged bridge: of the addresses that this host has there); default: true for bridges',
      ),
    network_dns_servers: z
      .array(z.string())
      .nullish()
      .describe("name servers for all other names; default: the host's"),
    labels: z.record(z.string(), z.string()).nullish(),
    options: z.record(z.string(), z.string()).nullish().describe('docs/networks.md lists them by driver'),
    ipam_options: z
      .record(z.string(), z.string())
      .nullish()
      .describe(
        'driver: "host-local" (default); "dhcp": addresses from a DHCP server (macvlan or unmanaged bridge); "none": no addresses',
      ),
  })
  .describe('the wish for a network');

export type NetworkRequest = z.infer<typeof networkRequestSchema>;
