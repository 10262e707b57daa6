import { z } from 'zod';
import { canonicalAddress, formatSubnet, hasHostBits, parseSubnet, type Subnet } from '../address.ts';
import { nameRule, servedNamePattern } from '../name-rules.ts';
import { jsonWords, missing, valueAt } from '../schema-words.ts';
import { completeDefinition } from './check.ts';
import { dhcpRefusal } from './contradictions.ts';
import { ipamDrivers, type NetworkDefinition, type NetworkRoute, type NetworkSubnet } from './definition.ts';
import { networkDrivers, unreadableOption } from './options.ts';

/**
 * A definition's file, in podman's format: its field names, its order, and no field that podman would not write. Versions know
 * different fields: a missing one has its default, and unknown ones are kept.
 */

const text = z.string();
/** podman may write an empty one */
const address = text.refine((written) => written === '' || canonicalAddress(written) !== null, 'is not an IP address');
const subnet = text.refine((written) => parseSubnet(written) !== null, 'is not a subnet');
/** podman reads no file with another format of date */
const date = text.refine(isDate, 'is not a date such as 2026-01-31T12:00:00Z');
/** netavark takes an empty one for the usual type */
const routeType = z.enum(['', 'unicast', 'blackhole', 'unreachable', 'prohibit']);
const fileSchema = z.object({
  name: text.regex(servedNamePattern, { error: ({ input }) => `${JSON.stringify(input)} ${nameRule}` }),
  id: text.regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits'),
  driver: z.enum(networkDrivers),
  network_interface: text.refine(canNameInterface, 'cannot be the name of an interface').nullish(),
  created: date.nullish(),
  subnets: z
    .array(
      z.object({
        subnet,
        gateway: address.nullish(),
        lease_range: z.object({ start_ip: address.nullish(), end_ip: address.nullish() }).nullish(),
      }),
    )
    .nullish(),
  routes: z
    .array(
      z.object({
        destination: subnet.refine((written) => !hasHostBits(written), 'is an address and not a subnet'),
        gateway: address.nullish(),
        metric: z.int().min(0).max(4_294_967_295).nullish(),
        type: routeType.nullish(),
        // as netavark 2 calls it
        route_type: routeType.nullish(),
      }),
    )
    .nullish(),
  ipv6_enabled: z.boolean().nullish(),
  internal: z.boolean().nullish(),
  dns_enabled: z.boolean().nullish(),
  network_dns_servers: z
    .array(text.refine((written) => canonicalAddress(written) !== null, 'is not an IP address'))
    .nullish(),
  labels: z.record(text, text).nullish(),
  options: z.record(text, text).nullish(),
  ipam_options: z.object({ driver: z.enum(ipamDrivers).nullish() }).nullish(),
});

const mostNameBytes = 15;

const known: ReadonlySet<string> = new Set(Object.keys(fileSchema.shape));

/** Fields that an engine sends with each container, for all of its networks. */
const brought = { dns_port: z.int().min(1).max(65535).nullish(), firewall: z.literal('none').nullish() };
const broughtSchema = fileSchema.extend(brought);

/** Checks an interface name, also of a foreign link: one that the kernel accepts, or an empty one. */
function canNameInterface(written: string): boolean {
  const bytes = new TextEncoder().encode(written);
  return /^(?!\.{1,2}$)[^\s/:]*$/.test(written) && !bytes.includes(0) && bytes.length <= mostNameBytes;
}

/** Checks a date. It is empty in files that earlier versions of netloom wrote, for networks whose files had no date. */
function isDate(written: string): boolean {
  return (
    written === '' || (/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(written) && !Number.isNaN(Date.parse(written)))
  );
}

/** Parses `<name>.json`; a string describes what is wrong with it. */
export function definitionOf(name: string, json: unknown): NetworkDefinition | string {
  const misplaced = Object.keys(brought).find((field) => Object.hasOwn(Object(json), field));
  if (misplaced !== undefined) return `${misplaced}: cannot be set in a file; an engine sets it with each container`;
  const file = fieldsOf(json);
  return typeof file === 'string' ? file : definitionFrom(name, file);
}

/**
 * Parses what an engine brought with a container; a string describes what is wrong with it. podman before 6 knows no types of
 * routes, and drops the gateway of a route that has none: such a route is left out here, and counts as one that the engine does
 * not know.
 */
export function broughtDefinition(name: string, json: unknown): NetworkDefinition | string {
  const file = fieldsOf(json);
  if (typeof file === 'string') return file;
  const routes = file.routes?.filter(({ gateway, type, route_type }) => gateway || type || route_type);
  return definitionFrom(name, { ...file, routes });
}

type Fields = z.output<typeof broughtSchema>;

function fieldsOf(json: unknown): Fields | string {
  const parsed = broughtSchema.safeParse(json, { error: jsonWords });
  return parsed.success ? parsed.data : issueText(parsed.error.issues[0] as z.core.$ZodIssue, json);
}

/** Formats an issue: `driver: must be bridge, macvlan or ipvlan, not "overlay"`. */
function issueText({ code, path, message }: z.core.$ZodIssue, json: unknown): string {
  if (path.length === 0) return `the file ${message}`;
  const text = message === missing ? 'missing' : message;
  const value = code === 'invalid_value' && message !== missing ? `, not ${JSON.stringify(valueAt(json, path))}` : '';
  return `${path.join('.')}: ${text}${value}`;
}

function definitionFrom(name: string, file: Fields): NetworkDefinition | string {
  if (file.name !== name)
    return `name: the name in the file is ${JSON.stringify(file.name)}, but the file is ${name}.json`;
  const unreadable = unreadableOption({ driver: file.driver, options: file.options ?? {} });
  if (unreadable !== null) return unreadable;
  const torn = (file.routes ?? []).findIndex(({ type, route_type }) => type && route_type && type !== route_type);
  if (torn >= 0) return `routes.${torn}.route_type: differs from type; give one of them`;
  const definition = completeDefinition({
    name,
    id: file.id,
    driver: file.driver,
    network_interface: file.network_interface || null,
    created: file.created ?? '',
    subnets: (file.subnets ?? []).map(subnetOf),
    routes: (file.routes ?? []).map(({ destination, gateway, metric, type, route_type }) => ({
      destination: formatSubnet(parseSubnet(destination) as Subnet),
      gateway: gateway ? canonicalAddress(gateway) : null,
      metric: metric ?? null,
      type: type || route_type || 'unicast',
    })),
    ipv6_enabled: file.ipv6_enabled ?? false,
    internal: file.internal ?? false,
    dns_enabled: file.dns_enabled ?? false,
    network_dns_servers: (file.network_dns_servers ?? []).map((server) => canonicalAddress(server) as string),
    ...(file.dns_port ? { dns_port: file.dns_port } : {}),
    ...(file.firewall ? { firewall: file.firewall } : {}),
    labels: file.labels ?? {},
    options: file.options ?? {},
    ipam_options: { driver: file.ipam_options?.driver ?? 'host-local' },
  });
  if (typeof definition === 'string') return definition;
  const refusal = definition.ipam_options.driver === 'dhcp' ? dhcpRefusal(definition) : null;
  return refusal ? `ipam_options: ${refusal.message}` : definition;
}

type FileSubnet = NonNullable<NonNullable<z.output<typeof fileSchema>['subnets']>>[number];

function subnetOf({ subnet, gateway, lease_range }: FileSubnet): NetworkSubnet {
  const parsed = parseSubnet(subnet);
  const entry = { subnet: parsed ? formatSubnet(parsed) : subnet, gateway: gateway ? canonicalAddress(gateway) : null };
  if (!lease_range) return entry;
  const { start_ip, end_ip } = lease_range;
  return { ...entry, lease_range: { start_ip: start_ip || null, end_ip: end_ip || null } };
}

/** Converts a definition to its file; `former` is the file's present content, whose unknown fields are kept. */
export function fileOf(definition: NetworkDefinition, former: unknown = {}): Record<string, unknown> {
  const { name, id, driver, network_interface, created, routes, labels, options, ipam_options } = definition;
  const { ipv6_enabled, internal, dns_enabled, network_dns_servers } = definition;
  const others = Object.entries((former ?? {}) as object).filter(([field]) => !known.has(field));
  return withoutNulls({
    name,
    id,
    driver,
    network_interface,
    // podman reads no file with an empty one
    created: created || null,
    subnets: definition.subnets.length > 0 ? definition.subnets.map(fileSubnetOf) : null,
    routes: routes.length > 0 ? routes.map(fileRouteOf) : null,
    ipv6_enabled,
    internal,
    dns_enabled,
    network_dns_servers: network_dns_servers.length > 0 ? network_dns_servers : null,
    labels: Object.keys(labels).length > 0 ? labels : null,
    options: Object.keys(options).length > 0 ? options : null,
    ipam_options,
    ...Object.fromEntries(others),
  });
}

function fileSubnetOf({ subnet, gateway, lease_range }: NetworkSubnet): Record<string, unknown> {
  return withoutNulls({ subnet, gateway, lease_range: lease_range ? withoutNulls(lease_range) : null });
}

/** Converts a route. podman 6 calls the type `route_type`; a route to a reachable destination has none, as in earlier podman versions. */
function fileRouteOf({ type, ...route }: NetworkRoute): Record<string, unknown> {
  return withoutNulls({ ...route, route_type: type === 'unicast' ? null : type });
}

function withoutNulls(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}
