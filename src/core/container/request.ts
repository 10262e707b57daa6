import { z } from 'zod';
import { labelsSchema } from '../labels.ts';
import { mostStartWithinMs } from '../milliseconds.ts';
import { isOwnVethName } from '../object-names.ts';
import { portMappingSchema } from '../port.ts';
import {
  containerIdSchema,
  containerNameSchema,
  interfaceNameSchema,
  networkNameSchema,
  newNetworkNameSchema,
  processIdSchema,
} from '../token.ts';

/** The wish for a container's network, as callers send it. */

const macSchema = z
  .string()
  .regex(/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/, 'must be a MAC address such as 02:00:00:00:00:01')
  .refine(isOneHost, 'must be a unicast MAC address: an even first byte, and not all zeros');

/** Checks whether the kernel accepts it as a link's address. */
function isOneHost(macAddress: string): boolean {
  return Number.parseInt(macAddress.slice(0, 2), 16) % 2 === 0 && /[1-9a-f]/i.test(macAddress);
}

export const attachmentSchema = z
  .object({
    network: networkNameSchema,
    interfaceName: interfaceNameSchema.nullish().describe('default: eth0, eth1, … in the order of the networks'),
    hostInterfaceName: interfaceNameSchema
      .refine((name) => !isOwnVethName(name), 'a name of nl and 12 hexadecimal digits is reserved for netloom itself')
      .nullish()
      .describe("name of the veth's other end, on the host; no effect with macvlan and ipvlan"),
    staticIps: z
      .array(z.string())
      .nullish()
      .describe('static addresses; from a subnet without one, the next free address is assigned'),
    staticMac: macSchema.nullish(),
    aliases: z.array(z.string()).nullish().describe('additional names of the container on this network'),
    definition: z
      .record(z.string(), z.unknown())
      .nullish()
      .describe(
        "the network as the caller knows it, in podman's format: used if this host does not know it, until its last container leaves",
      ),
  })
  .meta({ id: 'AttachmentRequest' });

export type AttachmentRequest = z.infer<typeof attachmentSchema>;

const ownerSchema = z
  .string()
  .min(1)
  .max(128)
  .regex(/^\P{Cc}*$/u, 'must not contain control characters');

const startWithinMsSchema = z.int().min(1).max(mostStartWithinMs);

export const containerRequestSchema = z
  .object({
    id: containerIdSchema,
    name: containerNameSchema.nullish(),
    hostname: z
      .string()
      .min(1)
      .max(255)
      .nullish()
      .describe("host name sent to DHCP servers; default: the pod's or container's name"),
    pod: z
      .string()
      .min(1)
      .max(255)
      .nullish()
      .describe("name of the container's pod; networks use it as the container's name"),
    mode: z.string().nullish().describe('bridge (default), none, host, ns:<path>, container:<container>'),
    networks: z
      .array(
        attachmentSchema
          .extend({ network: networkNameSchema.nullish().describe('default: the default network') })
          .meta({ id: 'NetworkToJoin' }),
      )
      .nullish()
      .describe('networks to join, in order; default with mode bridge: the default network'),
    defaultNetwork: newNetworkNameSchema
      .nullish()
      .describe('name of the default network; default: that of netloom daemon --default-network'),
    staticIps: z.array(z.string()).nullish().describe('for the first network, unless that has its own'),
    staticMac: macSchema.nullish().describe('for the first network, unless that has its own'),
    dnsServers: z.array(z.string()).nullish().describe('name servers for names that do not belong to containers'),
    ports: z.array(portMappingSchema).nullish().describe('host ports to publish'),
    pid: processIdSchema.nullish().describe('adopt the namespace of this living process instead of making one'),
    removeOnExit: z
      .boolean()
      .nullish()
      .describe('remove the container when the process given to container.started ends'),
    labels: labelsSchema.nullish().describe('key-value pairs of the user, as podman has them'),
    owner: ownerSchema.nullish().describe('engine that sets up the container: podman, cli, …'),
    startWithinMs: startWithinMsSchema
      .nullish()
      .describe(
        'remove the container unless container.started follows the set-up within this time, or a process is in the namespace then',
      ),
  })
  .describe("the wish for a container's network");

export type ContainerRequest = z.infer<typeof containerRequestSchema>;
