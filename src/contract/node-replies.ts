import { z } from 'zod';
import type { FirewallDrop, ForeignFirewalls } from '../core/firewall/foreign/obstacles.ts';
import { ways } from '../core/firewall/foreign/traffic.ts';
import { type GcResult, type Leftover, leftoverKinds, type Unstarted } from '../core/gc.ts';
import type { NodeInfo } from '../core/view.ts';
import { familySchema, leftBehindSchema, ownerSchema, type Shape } from './schemas.ts';

/** Replies about a node: its daemon and its host. */

export const nodeInfoSchema: z.ZodType<NodeInfo> = z
  .object({
    node: z.string(),
    version: z.string(),
    state: z.enum(['recovering', 'serving', 'draining']).describe('of the daemon'),
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
          family: familySchema,
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
  } satisfies Shape<NodeInfo>)
  .meta({ id: 'NodeInfo' });

const firewallDropSchema: z.ZodType<FirewallDrop> = z
  .object({
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
    stops: z.array(z.object({ network: z.string(), family: familySchema, way: z.enum(ways) })),
    remedy: z.array(z.string()).describe('commands that let it pass'),
  } satisfies Shape<FirewallDrop>)
  .meta({ id: 'FirewallDrop' });

export const foreignFirewallsSchema: z.ZodType<ForeignFirewalls> = z
  .object({
    drops: z.array(firewallDropSchema),
    unread: z.array(z.string()).describe('rules that could not be read, and why'),
  } satisfies Shape<ForeignFirewalls>)
  .meta({ id: 'ForeignFirewalls' });

const leftoverSchema: z.ZodType<Leftover> = z
  .object({
    kind: z.enum(leftoverKinds),
    name: z.string(),
    owner: z.string().nullable().describe('its former owner, as its name or comment has it; null if unknown'),
  })
  .meta({ id: 'Leftover' });
const unstartedSchema: z.ZodType<Unstarted> = z
  .object({
    id: z.string(),
    name: z.string(),
    owner: ownerSchema,
  })
  .meta({ id: 'UnstartedContainer' });
export const gcResultSchema: z.ZodType<GcResult> = z
  .object({
    dryRun: z.boolean(),
    unstarted: z
      .array(unstartedSchema)
      .describe('containers that were set up and never started, with no process in their namespaces, and were removed'),
    leftovers: z.array(leftoverSchema).describe('what had no owner'),
    doubtful: z
      .array(leftoverSchema)
      .describe('without an owner here, but it may be of a daemon with another run directory: never removed'),
    failed: z.array(leftBehindSchema).describe('what could not be removed, and why'),
  } satisfies Shape<GcResult>)
  .meta({ id: 'Collected' });

export const workerRestartedSchema: z.ZodType<{ index: number }> = z
  .object({ index: z.int() })
  .meta({ id: 'WorkerRestarted' });
